"""The moment until which somebody waits for an answer, handed on from call to call.

It travels as `shop-deadline`, Unix time in milliseconds. A duration would have to leave out the
time that a request waits for a pod to start, which is seconds on Knative; clocks that agree to a
second are needed for signed identities anyway.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from shop.errors import DeadlinePassed

HEADER = "shop-deadline"
# Kept back at each step, so that a function's own answer is there before its caller gives up.
ANSWER_SECONDS = 0.1
_MOST_SECONDS = 3600.0

_due: ContextVar[float | None] = ContextVar("due", default=None)


def begin(seconds: float) -> None:
    """Let the running task have `seconds` from now on."""
    _due.set(time.time() + seconds)


def enter(header: bytes | None) -> None:
    """Take the caller's deadline over; what is no time within an hour is no deadline.

    That of the request before is forgotten: one that is pipelined is begun in its context.
    """
    _due.set(None)
    if header is None or not header.isdigit() or len(header) > 15:
        return
    due = int(header) / 1000
    if abs(due - time.time()) <= _MOST_SECONDS:
        _due.set(due)


def left() -> float | None:
    """The seconds that are left, below 0 where nobody waits any more; None without a deadline."""
    due = _due.get()
    return None if due is None else due - time.time()


def within(seconds: float) -> float:
    """The `seconds` that a call may take, or what is left where that is less.

    Raises:
        DeadlinePassed: there is nothing left.
    """
    remaining = left()
    if remaining is None:
        return seconds
    remaining -= min(ANSWER_SECONDS, remaining / 10)
    if remaining <= 0:
        raise DeadlinePassed("Nobody waits for this answer any more.")
    return min(seconds, remaining)


def header(seconds: float) -> dict[str, str]:
    """The header that tells the called function to answer within `seconds`."""
    return {HEADER: str(int((time.time() + seconds) * 1000))}


@asynccontextmanager
async def kept() -> AsyncIterator[None]:
    """Give the work inside up when the task's deadline passes.

    A statement that runs is cancelled in the database, a call is closed, and a saga stays as a
    crash at that step would leave it.

    Raises:
        DeadlinePassed: it has passed, before or meanwhile.
    """
    remaining = left()
    if remaining is None:
        yield
        return
    if remaining <= 0:
        raise DeadlinePassed("Nobody waits for this answer any more.")
    try:
        async with asyncio.timeout(remaining) as timeout:
            yield
    except TimeoutError:
        if not timeout.expired():
            raise
        raise DeadlinePassed("It took longer than its caller waits.") from None
