"""Stands between the event sources and a notifier: events come twice, late, or after later ones.

KafkaSource keeps the order of a partition and delivers at least once. This does worse, and loses
nothing: what it has accepted it delivers itself, however often that takes.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web

from local.layout import HOST
from tests.faults import poison
from tests.faults.links import Thread

# twice: an event is delivered again, at once and later; late: it is held back, with those behind
# it; shuffled: it is accepted and delivered later, so that others overtake it; unheard: it is
# delivered, and the answer is lost.
Manner = Literal["twice", "late", "shuffled", "unheard"]

_LATE_SECONDS = 0.3
_SHUFFLE_SECONDS = 1.5
_AGAIN_SECONDS = 0.25
_HEADERS = ("content-type", "traceparent")


@dataclass(slots=True)
class Crossing:
    """The way from the event sources to one function."""

    name: str
    port: int
    server: int
    manner: Manner | None = None
    chance: random.Random = field(default_factory=random.Random)
    pending: set[asyncio.Task[None]] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None
    _runner: web.AppRunner | None = None

    async def listen(self) -> None:
        """Begin to take deliveries."""
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()

    async def close(self) -> None:
        """Take none any more."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        kept = {n: v for n, v in request.headers.items() if n.lower() in _HEADERS or _event(n)}
        manner = self.manner
        if request.headers.get("ce-partitionkey") == poison.KEY:
            manner = None  # Whoever accepts what is to be refused owes its dead letter.
        if manner == "late":
            await asyncio.sleep(self.chance.uniform(0, _LATE_SECONDS))
        if manner == "shuffled":
            self._later(kept, body, self.chance.uniform(0, _SHUFFLE_SECONDS))
            return web.Response(status=204)
        if manner == "twice":
            self._later(kept, body, self.chance.choice((0.0, _SHUFFLE_SECONDS)))
        try:
            status, kind, answer = await self._pass(kept, body)
        except aiohttp.ClientError:
            return web.Response(status=503)
        if manner == "unheard" and self.chance.random() < 0.3:
            return web.Response(status=503)
        return web.Response(status=status, body=answer, headers={"content-type": kind})

    def _later(self, headers: dict[str, str], body: bytes, seconds: float) -> None:
        """Deliver it in some seconds, and again until it is accepted or refused for good."""

        async def deliver() -> None:
            await asyncio.sleep(seconds)
            while True:
                try:
                    status, _, _ = await self._pass(headers, body)
                except aiohttp.ClientError:
                    status = 503
                if status < 500:
                    return
                await asyncio.sleep(_AGAIN_SECONDS)

        task = asyncio.create_task(deliver())
        self.pending.add(task)
        task.add_done_callback(self.pending.discard)

    async def _pass(self, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        assert self._session is not None
        async with self._session.post(
            f"http://{HOST}:{self.server}/", data=body, headers=headers
        ) as answer:
            return answer.status, answer.content_type, await answer.read()


def _event(name: str) -> bool:
    return name.lower().startswith("ce-")


class Crossings:
    """The ways to both notifiers."""

    def __init__(self, thread: Thread, servers: dict[str, int], first_port: int) -> None:
        """`servers` says, for each link, the port of its function."""
        self._thread = thread
        self._all = [
            Crossing(name, first_port + place, port)
            for place, (name, port) in enumerate(servers.items())
        ]
        for each in self._all:
            thread.wait(each.listen())

    @property
    def ports(self) -> dict[str, int]:
        """The port of each crossing."""
        return {each.name: each.port for each in self._all}

    @property
    def pending(self) -> int:
        """Deliveries that are still to come."""
        return sum(len(each.pending) for each in self._all)

    async def worsen(self, manner: Manner, seconds: float, seed: int) -> None:
        """Deliver in that manner for some seconds."""
        for each in self._all:
            each.chance, each.manner = random.Random(seed), manner
        try:
            await asyncio.sleep(seconds)
        finally:
            for each in self._all:
                each.manner = None

    def close(self) -> None:
        """Take no deliveries any more."""
        for each in self._all:
            self._thread.wait(each.close())
