"""Leaving a service alone that fails, until it is likely to answer again.

It opens after failures in a row, or where half of the last requests failed; it then lets nothing
through for a moment, and one request after that, whose end decides. Each opening without a
success in between lasts twice as long as the one before.

A service that sleeps answers its first request late, or its ingress does with an error, without
anything being wrong: what fails within the time that a start may take is not counted. Nor is a
connection that is refused: nobody waits for one, and a process that restarts refuses a few.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from shop.errors import DependencyDown

State = Literal["closed", "half-open", "open"]
STATES: tuple[State, ...] = ("closed", "half-open", "open")


@dataclass(frozen=True, slots=True)
class Rules:
    """When a breaker opens, and for how many seconds."""

    in_a_row: int = 5
    share: float = 0.5
    of_at_least: int = 20
    window_seconds: float = 10.0
    open_seconds: float = 1.0
    most_open_seconds: float = 4.0
    # A service that has not answered for this long may be asleep, and then has this long to wake.
    asleep_after_seconds: float = 60.0
    waking_seconds: float = 30.0


class Breaker:
    """The breaker of one service. `opened` is called whenever it opens."""

    def __init__(
        self,
        rules: Rules,
        *,
        opened: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._opened = opened
        self._clock = clock
        self._ends: deque[tuple[float, bool]] = deque()  # When each of late ended, and how.
        self._failed = 0
        self._in_a_row = 0
        self._openings = 0
        self._open_until: float | None = None
        self._probing_since: float | None = None
        self._answered_at: float | None = None
        self._woken_at: float | None = None

    @property
    def state(self) -> State:
        """Open until its time is over, half-open until the request after that has ended."""
        if self._open_until is None:
            return "closed"
        return "open" if self._clock() < self._open_until else "half-open"

    def look(self) -> None:
        """See whether a request has any chance, before it waits for its turn.

        Raises:
            DependencyDown: it has none for now.
        """
        if self._open_until is not None:
            now = self._clock()
            if now < self._open_until or self._is_trying(now):
                wait = max(1, round(self._open_until - now + 0.5))
                raise DependencyDown("The service is failing and is left alone.", retry_after=wait)

    def admit(self) -> None:
        """Let a request through, whose end is to be told by `ended` or `untold`.

        Raises:
            DependencyDown: it is open, or half-open and another request is being tried.
        """
        self.look()
        now = self._clock()
        if self._open_until is not None:
            self._probing_since = now
        if self._may_sleep(now) and self._woken_at is None:
            self._woken_at = now

    def ended(self, *, well: bool) -> None:
        """Count a request that was let through and has ended."""
        now = self._clock()
        if well:
            self._answered_at, self._woken_at = now, None
            if self._open_until is not None and now >= self._open_until:
                self._close()
        elif self._is_waking(now):
            self._probing_since = None
            return
        self._count(now, well=well)
        if self._open_until is not None and not well:
            self._open(now)  # What was tried has failed, or what was let through before.
        elif self._open_until is None and self._is_too_much():
            self._open(now)

    def untold(self) -> None:
        """A request that was let through has ended without saying anything of the service."""
        self._probing_since = None

    def _is_trying(self, now: float) -> bool:
        began = self._probing_since
        return began is not None and now - began < self._rules.waking_seconds

    def _may_sleep(self, now: float) -> bool:
        known = self._answered_at
        return known is None or now - known > self._rules.asleep_after_seconds

    def _is_waking(self, now: float) -> bool:
        return (
            self._woken_at is not None
            and self._may_sleep(now)
            and now - self._woken_at < self._rules.waking_seconds
        )

    def _count(self, now: float, *, well: bool) -> None:
        self._in_a_row = 0 if well else self._in_a_row + 1
        self._ends.append((now, well))
        self._failed += not well
        while self._ends[0][0] < now - self._rules.window_seconds:
            _, was_well = self._ends.popleft()
            self._failed -= not was_well

    def _is_too_much(self) -> bool:
        many = len(self._ends)
        return self._in_a_row >= self._rules.in_a_row or (
            many >= self._rules.of_at_least and self._failed >= many * self._rules.share
        )

    def _open(self, now: float) -> None:
        if self._open_until is not None and self._probing_since is None:
            return  # It was sent before the breaker opened, and says nothing new.
        seconds = self._rules.open_seconds * 2 ** min(self._openings, 10)
        self._open_until = now + min(seconds, self._rules.most_open_seconds)
        self._openings += 1
        self._probing_since = None
        self._opened()

    def _close(self) -> None:
        self._open_until = self._probing_since = None
        self._openings = self._in_a_row = self._failed = 0
        self._ends.clear()
