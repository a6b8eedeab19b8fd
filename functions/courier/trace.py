"""A delivery as part of the trace that its event began."""

from collections.abc import Iterator
from contextlib import contextmanager

from courier.claims import Claimed
from shop import tracing
from shop.telemetry import Telemetry


class Tracing:
    """Makes deliveries spans of their events' traces, where those are recorded."""

    def __init__(self, telemetry: Telemetry, *, remote: bool) -> None:
        """`remote` says that channels send over HTTP: then each request is a span as well."""
        self._spans = telemetry.spans
        if self._spans is not None and remote:
            from opentelemetry.instrumentation.requests import RequestsInstrumentor

            RequestsInstrumentor().instrument(tracer_provider=telemetry.tracer_provider)

    @contextmanager
    def follow(self, notification: Claimed) -> Iterator[None]:
        """Let what is done and logged inside belong to the notification's trace."""
        if self._spans is None:
            tracing.enter(notification.traceparent)
            yield
            return
        from opentelemetry.trace import SpanKind

        told = {"shop.notification_id": notification.id, "shop.attempt": notification.attempts}
        name = f"deliver {notification.type}"
        with self._spans.follow(notification.traceparent, name, SpanKind.CONSUMER, told):
            yield
