"""The publishing of an event as part of the trace that its change began."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from relay.outbox import Waiting
from shop.telemetry import Telemetry

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_SPAN_ID = 2**64 - 1


@dataclass(slots=True)
class Published:
    """The trace context that goes with an event, and the span that is ended when it is sent."""

    traceparent: str | None
    span: "Span | None" = None


class Tracing:
    """Makes a span of each event's way to Kafka, where its trace is recorded."""

    def __init__(self, telemetry: Telemetry, topic: str) -> None:
        self._spans = telemetry.spans
        self._topic = topic

    def begin(self, event: Waiting) -> Published:
        """A span from the event's commit on: it says how long the event lay.

        Its id is made of the event's, since the record names it: an event that is published
        again is the same to the byte.
        """
        if self._spans is None or event.traceparent is None:
            return Published(event.traceparent)
        from opentelemetry.trace import SpanKind

        from shop.spans import header_of

        span = self._spans.begin(
            event.traceparent,
            f"publish {self._topic}",
            SpanKind.PRODUCER,
            {
                "messaging.system": "kafka",
                "messaging.destination.name": self._topic,
                "messaging.message.id": event.id,
            },
            began=datetime.fromisoformat(event.time).timestamp(),
            span_id=UUID(event.id).int & _SPAN_ID,
        )
        return Published(event.traceparent) if span is None else Published(header_of(span), span)

    @staticmethod
    def end(published: Iterable[Published]) -> None:
        """End the spans: the broker has spoken."""
        for each in published:
            if each.span is not None:
                each.span.end()
