"""The W3C trace context of the work at hand.

The identifiers travel always, so that log lines and events can be joined. Whether spans are
recorded as well is the matter of `shop.spans`.
"""

import random
import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

_ODD = "13579bdf"
_TRACEPARENT = re.compile(r"[0-9a-e][0-9a-f]-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class Trace(NamedTuple):
    """Identifiers of the current span, in lower-case hex: 32, 16 and 2 digits."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def traceparent(self) -> str:
        """The `traceparent` header that hands this context on."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @property
    def sampled(self) -> bool:
        """Whether its spans are recorded."""
        return self.flags[1] in _ODD


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace | None:
    """The trace context of the running task, if there is one."""
    return _current.get()


def traceparent() -> str | None:
    """The running task's context as a `traceparent` header, if there is one."""
    trace = _current.get()
    return None if trace is None else trace.traceparent


def sampled() -> bool:
    """Whether the running task's spans are recorded."""
    trace = _current.get()
    return trace is not None and trace.sampled


def is_sampled(header: str) -> bool:
    """Whether the header names a trace whose spans are recorded."""
    found = _TRACEPARENT.fullmatch(header)
    return found is not None and found[3][1] in _ODD


def _never() -> bool:
    return False


def enter(header: str | None, sample: Callable[[], bool] = _never) -> Trace:
    """Continue the caller's trace, or begin one where the header is missing or malformed.

    `sample` says of one that begins here whether its spans are recorded.
    """
    span_id = f"{random.getrandbits(64) or 1:016x}"
    found = _TRACEPARENT.fullmatch(header) if header else None
    if found and found[1] != "0" * 32 and found[2] != "0" * 16:
        trace = Trace(found[1], span_id, found[3])
    else:
        flags = "01" if sample() else "00"
        trace = Trace(f"{random.getrandbits(128) or 1:032x}", span_id, flags)
    _current.set(trace)
    return trace


def adopt(trace_id: int, span_id: int, flags: int) -> Trace:
    """Make a span of the SDK the current context."""
    trace = Trace(f"{trace_id:032x}", f"{span_id:016x}", f"{flags:02x}")
    _current.set(trace)
    return trace
