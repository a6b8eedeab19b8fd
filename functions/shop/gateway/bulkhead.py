"""How many requests may wait for one service at a time.

A service that hangs holds on to what it is sent. Without a bound of its own it would fill the
gateway's pod, and requests for services that are well would wait outside.
"""

import asyncio
from dataclasses import dataclass

from shop.errors import DependencyDown


@dataclass(frozen=True, slots=True)
class Room:
    """How many requests are with a service, and how many wait for their turn."""

    in_flight: int = 80
    queued: int = 40


class Bulkhead:
    """The room of one service."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._free = asyncio.Semaphore(room.in_flight)
        self.in_flight = 0
        self.queued = 0

    async def enter(self, seconds: float) -> None:
        """Take a place, for at most `seconds` of waiting; `leave` gives it back.

        Raises:
            DependencyDown: there are no more places to wait in, or none became free.
        """
        if self._free.locked():
            await self._wait(seconds)
        else:
            await self._free.acquire()
        self.in_flight += 1

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._free.release()

    async def _wait(self, seconds: float) -> None:
        if self.queued >= self._room.queued:
            raise DependencyDown("The service has too many requests to answer.")
        self.queued += 1
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            raise DependencyDown("The service has too many requests to answer.") from None
        finally:
            self.queued -= 1
