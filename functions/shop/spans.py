"""Spans of the traces that are recorded.

Sampling follows the parent: whoever begins a trace decides for all of it, by the `sampled` flag
of the `traceparent` header. Of the traces that begin here two a second are recorded, up to twenty
at once after a pause, and a share of the others: on a quiet shop every request can be looked at,
and on a busy one the cost stays where it is. A request whose trace is not recorded pays for its
identifiers (some 3 µs), and never for the SDK.
"""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from opentelemetry import context
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
    use_span,
)

from shop import tracing
from shop.tracing import Trace

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Attributes = Mapping[str, str | int | float | bool]

_A_SECOND = 2.0
_AT_ONCE = 20.0
_given_id: ContextVar[int | None] = ContextVar("given_id", default=None)


class Ids(RandomIdGenerator):
    """Random identifiers, but for a span that is given its own."""

    def generate_span_id(self) -> int:
        """The given one, where there is one."""
        return _given_id.get() or super().generate_span_id()


class Sampler:
    """Decides of each trace that begins in this process whether it is recorded."""

    __slots__ = ("_asked", "_left", "_share")

    def __init__(self, share: float) -> None:
        """`share` of the traces beyond those of each second, from 0 to 1."""
        self._share = share
        self._asked = time.monotonic()
        self._left = _AT_ONCE

    def __call__(self) -> bool:
        """Whether to record the next trace."""
        now = time.monotonic()
        self._left = min(_AT_ONCE, self._left + (now - self._asked) * _A_SECOND)
        self._asked = now
        if self._left >= 1:
            self._left -= 1
            return True
        return random.random() < self._share  # noqa: S311 - a choice, no secret


class Spans:
    """Makes the spans of one process."""

    def __init__(self, tracer: "Tracer", sampler: Sampler) -> None:
        self._tracer = tracer
        self._sampler = sampler

    def serve(self, header: str | None, name: str) -> tuple[Span | None, Trace]:
        """The span of a request, and the context that it is answered in.

        It is current in the running task, which must be the request's own, and None where the
        trace is not recorded. `ended` ends it.
        """
        trace = tracing.enter(header, self._sampler)
        if not trace.sampled:
            return None, trace
        span = self._tracer.start_span(name, context=_parent(header), kind=SpanKind.SERVER)
        context.attach(set_span_in_context(span))
        return span, _adopt(span)

    def begin(
        self,
        header: str | None,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        *,
        began: float | None = None,
        span_id: int | None = None,
    ) -> Span | None:
        """A span below the one of a header; None where that trace is not recorded.

        `began` is Unix time in seconds; now where it is not given. `span_id` is random where it is
        not given. Whoever begins it ends it.
        """
        if header is None or not tracing.is_sampled(header):
            return None
        given = _given_id.set(span_id)
        try:
            return self._tracer.start_span(
                name,
                context=_parent(header),
                kind=kind,
                attributes=attributes,
                start_time=None if began is None else int(began * 1e9),
            )
        finally:
            _given_id.reset(given)

    @contextmanager
    def follow(
        self, header: str | None, name: str, kind: SpanKind, attributes: Attributes
    ) -> Iterator[Span | None]:
        """Let what is done and logged inside belong to the header's trace, as a span of it.

        What is instrumented inside, `requests` above all, makes spans of its own, and does not
        where the trace is not recorded.
        """
        span = self.begin(header, name, kind, attributes)
        if span is None:
            trace = tracing.enter(header)
            with use_span(_unrecorded(trace)):
                yield None
            return
        with use_span(span, end_on_exit=True):
            _adopt(span)
            yield span

    def statement(self, name: str, seconds: float) -> None:
        """A database's statement that has just ended, below the current span."""
        if not tracing.sampled():
            return
        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            kind=SpanKind.CLIENT,
            start_time=ended - int(seconds * 1e9),
            attributes={"db.system.name": "postgresql", "db.query.summary": name},
        )
        span.end(ended)


def ended(span: Span, name: str, attributes: Attributes, *, failed: bool = False) -> None:
    """Name a span by what it has turned out to be, and end it."""
    span.update_name(name)
    span.set_attributes(attributes)
    if failed:
        span.set_status(StatusCode.ERROR)
    span.end()


def header_of(span: Span) -> str:
    """The `traceparent` that hands the span on."""
    carrier: dict[str, str] = {}
    inject(carrier, set_span_in_context(span))
    return carrier["traceparent"]


def _parent(header: str | None) -> context.Context:
    # A context of its own: what is current in the task is not a parent.
    return extract({"traceparent": header} if header else {}, context=context.Context())


def _adopt(span: Span) -> Trace:
    ids = span.get_span_context()
    return tracing.adopt(ids.trace_id, ids.span_id, ids.trace_flags)


def _unrecorded(trace: Trace) -> Span:
    ids = SpanContext(
        int(trace.trace_id, 16), int(trace.span_id, 16), is_remote=False, trace_flags=TraceFlags(0)
    )
    return NonRecordingSpan(ids)
