"""A delivery as part of the trace that its event began."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from courier.claims import Claimed
from shop import tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


class Tracing:
    """Makes deliveries spans of their events' traces, where traces are exported."""

    def __init__(self, tracer: "Tracer | None") -> None:
        self._tracer = tracer
        if tracer is not None:
            from opentelemetry.instrumentation.requests import RequestsInstrumentor

            RequestsInstrumentor().instrument()

    @contextmanager
    def follow(self, notification: Claimed) -> Iterator[None]:
        """Let what is done and logged inside belong to the notification's trace."""
        if self._tracer is None:
            tracing.enter(notification.traceparent)
            yield
            return
        from opentelemetry import propagate, trace

        parent = propagate.extract({"traceparent": notification.traceparent or ""})
        with self._tracer.start_as_current_span(
            f"deliver {notification.type}", context=parent, kind=trace.SpanKind.CONSUMER
        ) as span:
            ids = span.get_span_context()
            tracing.adopt(ids.trace_id, ids.span_id, ids.trace_flags)
            yield
