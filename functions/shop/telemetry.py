"""Every instrument of the product, declared once; `observability/metrics.yaml` is held to it.

Names are those of OpenTelemetry. Prometheus shows a counter with `_total` and a histogram in
seconds with `_seconds` at its end, whether it reads `/metrics` or the Collector. Which exporter
is in use is chosen by `OTEL_METRICS_EXPORTER` (`prometheus`, `otlp` or `none`) and
`OTEL_TRACES_EXPORTER` (`otlp`, `file`, `console` or `none`).
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource

from shop.distributions import Distribution, Distributions
from shop.settings import SettingError, Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    from shop.pushing import Pushing
    from shop.spans import Spans

Kind = Literal["counter", "gauge", "histogram"]
Labels = Mapping[str, str]
Reading = tuple[float, Labels]
Write = Callable[[float, Labels], None]

# Seconds. OpenTelemetry's own defaults are meant for milliseconds; 25 and 150 ms are the
# edges of the product's latency objectives.
BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument: its OpenTelemetry name, kind, unit (UCUM), labels and meaning."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def prometheus_name(self) -> str:
        """The name under which Prometheus shows it (of a histogram, without `_bucket`)."""
        suffix = "_seconds" if self.unit == "s" else ""
        return self.name + suffix + ("_total" if self.kind == "counter" else "")


def _http(prefix: str) -> tuple[Instrument, ...]:
    labels = ("function", "method", "route", "status")
    return (
        Instrument(
            f"{prefix}_http_requests", "counter", "{request}", labels, "HTTP requests answered."
        ),
        Instrument(
            f"{prefix}_http_request_duration", "histogram", "s", ("function", "method", "route"),
            "Time from a request's first byte to its answer's last.",
        ),
    )  # fmt: skip


def _database(prefix: str) -> Instrument:
    return Instrument(
        f"{prefix}_db_query_duration", "histogram", "s", ("function", "statement"),
        "Time of one statement, the wait for a connection not counted.",
    )  # fmt: skip


def _outbox(prefix: str) -> tuple[Instrument, ...]:
    return (
        Instrument(
            f"{prefix}_outbox_backlog", "gauge", "{event}", (),
            "Events that are committed and not yet on Kafka.",
        ),
        Instrument(
            f"{prefix}_outbox_oldest_age", "gauge", "s", (),
            "Age of the oldest event that is not yet on Kafka; 0 where there is none.",
        ),
        Instrument(
            f"{prefix}_outbox_published", "counter", "{event}", ("type",),
            "Events that the broker has acknowledged to this relay.",
        ),
        Instrument(
            f"{prefix}_outbox_failures", "counter", "{failure}", ("reason",),
            "Rounds of the relay that failed, by what did not answer.",
        ),
        Instrument(
            f"{prefix}_consumer_lag", "gauge", "{event}", ("consumer",),
            "Events on the area's topic that its notifier has not handled yet, as the broker says.",
        ),
    )  # fmt: skip


def _pruning(prefix: str) -> tuple[Instrument, ...]:
    return (
        Instrument(
            f"{prefix}_pruned_rows", "counter", "{row}", ("table",),
            "Rows that were deleted since they had had their time.",
        ),
        Instrument(
            f"{prefix}_pruning_overdue", "gauge", "s", ("table",),
            "Time for which the oldest row that may go has been due; 0 where none is.",
        ),
    )  # fmt: skip


INSTRUMENTS: tuple[Instrument, ...] = (
    *_http("inventory"),
    *_http("order"),
    *_http("notification"),
    *_http("identity"),
    *_http("gateway"),
    Instrument(
        "function_starts", "counter", "{start}", ("function",),
        "Starts of a function's process, as a Collector adds them up.",
    ),
    Instrument(
        "function_start_time", "gauge", "s", ("function",),
        "Unix time at which a function's process began.",
    ),
    Instrument(
        "function_start_duration", "gauge", "s", ("function",),
        "Time from a function's process beginning until it served.",
    ),
    _database("inventory"),
    _database("order"),
    _database("notification"),
    _database("identity"),
    Instrument(
        "inventory_stock_levels", "gauge", "{piece}", ("product_id", "product"),
        "Pieces in stock of the 500 products that are nearest to their threshold.",
    ),
    Instrument("inventory_products", "gauge", "{product}", (), "Products in the catalogue."),
    Instrument(
        "inventory_low_stock_products", "gauge", "{product}", (),
        "Products at or below their threshold.",
    ),
    Instrument(
        "inventory_ledger_differences", "gauge", "{product}", (),
        "Products whose stock is not the sum of their movements; anything but 0 is a defect.",
    ),
    *_outbox("inventory"),
    *_pruning("inventory"),
    Instrument(
        "order_orders", "counter", "{order}", ("status",),
        "Orders that reached the status, counted in the database.",
    ),
    Instrument(
        "order_stuck_orders", "gauge", "{order}", (),
        "Orders pending for ORDER_STUCK_SECONDS or more, or cancelled with their stock still held.",
    ),
    Instrument(
        "order_processing_duration", "histogram", "s", ("outcome",),
        "Time of an order's saga, by how it ended.",
    ),
    Instrument(
        "order_settled_orders", "counter", "{order}", ("action",),
        "Orders that settle_orders cancelled, or whose stock it released.",
    ),
    *_outbox("order"),
    *_pruning("order"),
    Instrument(
        "notification_notifications_sent", "counter", "{notification}", ("type",),
        "Notifications delivered to every channel, counted in the database.",
    ),
    Instrument(
        "notification_delivery_failures", "counter", "{attempt}", (),
        "Attempts of the courier that failed and are tried again.",
    ),
    Instrument(
        "notification_undelivered", "gauge", "{notification}", (),
        "Notifications stored and not yet delivered.",
    ),
    Instrument(
        "notification_message_processing_duration", "histogram", "s", ("type",),
        "Time from an event's arrival at its notifier to its commit.",
    ),
    Instrument(
        "notification_event_latency", "histogram", "s", ("type",),
        "Time from an event's commit to the commit of its notification.",
    ),
    Instrument(
        "notification_duplicate_events", "counter", "{event}", ("type",),
        "Events that had been handled before and changed nothing.",
    ),
    Instrument(
        "notification_dead_letters", "gauge", "{event}", ("state",),
        "Dead letters by state: waiting or replayed.",
    ),
    *_pruning("notification"),
    Instrument(
        "identity_logins", "counter", "{login}", ("outcome",),
        "Attempts to sign in, by how they ended: signed_in, refused or locked_out.",
    ),
    Instrument(
        "identity_refreshes", "counter", "{refresh}", ("outcome",),
        "Refresh tokens that were sent, by what they were; reused says that one was stolen.",
    ),
    Instrument(
        "gateway_errors", "counter", "{error}", ("type",),
        "Requests that the gateway could not pass on, by the problem's type.",
    ),
    Instrument(
        "gateway_limited_requests", "counter", "{request}", ("class",),
        "Requests beyond the rate limit of an account or an address, by what they asked for.",
    ),
    Instrument(
        "gateway_rate_limit_fallbacks", "counter", "{request}", (),
        "Requests whose limit a gateway decided alone, because Redis did not answer.",
    ),
    Instrument(
        "gateway_breaker_state", "gauge", "{state}", ("service",),
        "A service's circuit breaker: 0 closed, 1 half-open, 2 open.",
    ),
    Instrument(
        "gateway_breaker_openings", "counter", "{opening}", ("service",),
        "How often a service's circuit breaker opened.",
    ),
    Instrument(
        "gateway_refused_requests", "counter", "{request}", ("service", "reason"),
        "Requests that were not sent to a service, by reason: breaker or bulkhead.",
    ),
    Instrument(
        "gateway_upstream_in_flight", "gauge", "{request}", ("service",),
        "Requests that a service has and has not answered.",
    ),
    Instrument(
        "gateway_upstream_queued", "gauge", "{request}", ("service",),
        "Requests that wait until a service has fewer.",
    ),
    Instrument(
        "gateway_retries", "counter", "{request}", ("service", "outcome"),
        "Requests that failed and may be repeated: sent again, or over-budget.",
    ),
    Instrument(
        "gateway_refused_connections", "counter", "{connection}", ("reason",),
        "Connections refused or cut off: malformed, too-long, too-slow or too-many.",
    ),
)  # fmt: skip

_BY_NAME = {instrument.name: instrument for instrument in INSTRUMENTS}
AREA_PREFIX = {
    "inventory": "inventory",
    "orders": "order",
    "notifications": "notification",
    "identity": "identity",
    "gateway": "gateway",
}


class Tally:
    """Counts that the exporter reads when it collects; adding to one costs a dict look-up.

    The SDK's own counter takes 7 µs for an addition.
    """

    __slots__ = ("_counts", "_labels")

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *values: str) -> None:
        """Count one more, with the values of the counter's labels in their order."""
        self._counts[values] = self._counts.get(values, 0) + 1

    def begin(self, *values: str) -> None:
        """Show a count of 0 from the start on.

        What appears with its first count has not grown, as Prometheus sees it: the first error of
        a kind would be missing from every rate.
        """
        self._counts.setdefault(values, 0)

    def read(self) -> list[Reading]:
        """Each count with its labels."""
        return [
            (count, dict(zip(self._labels, values, strict=True)))
            for values, count in list(self._counts.items())
        ]


@dataclass(slots=True)
class Telemetry:
    """The process's meters and spans. Only instruments of INSTRUMENTS can be had.

    `spans` is None where no exporter for traces is chosen.
    """

    provider: MeterProvider
    serves_metrics: bool
    tracer_provider: "TracerProvider | None" = None
    spans: "Spans | None" = None
    pushing: "Pushing | None" = None
    distributions: Distributions = field(default_factory=Distributions)
    _made: dict[str, Write] = field(default_factory=dict)

    def counter(self, name: str) -> Write:
        """What adds to the counter: `add(amount, labels)`."""
        declared = self._declared(name, "counter")
        return self.provider.get_meter("shop").create_counter(
            name, unit=declared.unit, description=declared.meaning
        ).add  # fmt: skip

    def tally(self, name: str) -> Tally:
        """The counter as a tally, for what is counted on every request."""
        tally = Tally(self._declared(name, "counter").labels)
        self.observe(name, tally.read)
        return tally

    def histogram(self, name: str) -> Write:
        """What records into the histogram: `record(seconds, labels)`."""
        return self.distribution(name).record

    def distribution(self, name: str) -> Distribution:
        """The histogram itself, for what is to be shown before its first value."""
        declared = self._declared(name, "histogram")
        return self.distributions.make(name, declared.labels, declared.meaning, BUCKETS)

    def count(self, name: str, amount: float, **labels: str) -> None:
        """Add to a counter that a story names."""
        self._instrument(name, self.counter)(amount, labels)

    def record(self, name: str, seconds: float, **labels: str) -> None:
        """Record into a histogram that a story names."""
        self._instrument(name, self.histogram)(seconds, labels)

    def begin_at_zero(self, name: str, **labels: str) -> None:
        """Show a counter or a histogram before its first count."""
        if _BY_NAME[name].kind == "histogram":
            self.distribution(name).begin(labels)
        else:
            self.count(name, 0, **labels)

    def observe(self, name: str, read: Callable[[], Iterable[Reading]]) -> None:
        """Let `read` tell the gauge's or counter's values at each collection.

        Of a counter they are totals since ever, as the database knows them.
        """
        declared = _BY_NAME[name]

        def observations(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(value, labels) for value, labels in read()]

        meter = self.provider.get_meter("shop")
        make = (
            meter.create_observable_counter
            if declared.kind == "counter"
            else meter.create_observable_gauge
        )
        make(name, callbacks=[observations], unit=declared.unit, description=declared.meaning)

    def exposition(self) -> bytes:
        """What `/metrics` answers: the text format of Prometheus."""
        from prometheus_client import generate_latest

        return generate_latest()

    def begin(self) -> None:
        """Say that every instrument is made and nothing is counted yet."""
        if self.pushing is not None:
            self.pushing.begin(self.provider)

    def shutdown(self) -> None:
        """Export what is not yet exported, and stop."""
        if self.pushing is not None:
            self.pushing.end()
        self.provider.shutdown(timeout_millis=4_000)
        if self.tracer_provider is not None:
            self.tracer_provider.shutdown()

    def _instrument(self, name: str, make: Callable[[str], Write]) -> Write:
        if name not in self._made:
            self._made[name] = make(name)
        return self._made[name]

    @staticmethod
    def _declared(name: str, kind: Kind) -> Instrument:
        declared = _BY_NAME[name]
        if declared.kind != kind:
            raise TypeError(f"{name} is declared as a {declared.kind}, not as a {kind}")
        return declared


def configure(
    settings: Settings, *, function: str, area: str, totals_of_a_database: bool = False
) -> Telemetry:
    """Set up metrics and traces as the environment asks; call it in the serving process.

    `totals_of_a_database` says that the counters which are observed are read from a database, and
    not counted by this process.
    """
    resource = Resource.create(
        {
            "service.name": function.replace("_", "-"),
            "service.namespace": "shophub",
            "service.instance.id": str(uuid.uuid4()),
            "shop.area": area,
        }
    )
    chosen = settings.text("OTEL_METRICS_EXPORTER", "prometheus")
    readers: list[MetricReader] = []
    distributions = Distributions()
    pushing = None
    if chosen == "prometheus":
        from opentelemetry.exporter.prometheus import PrometheusMetricReader

        class Reader(PrometheusMetricReader):
            """Shows the histograms with what the SDK collects."""

            def _receive_metrics(self, metrics_data: MetricsData, *rest: Any, **more: Any) -> None:
                joined = distributions.joined(metrics_data, delta=False)
                super()._receive_metrics(joined, *rest, **more)

        readers.append(Reader())
    elif chosen == "otlp":
        from shop.pushing import Pushing

        pushing = Pushing(distributions, totals_of_a_database=totals_of_a_database)
        readers.append(pushing.reader)
    elif chosen != "none":
        raise SettingError(
            f"OTEL_METRICS_EXPORTER must be prometheus, otlp or none, not {chosen!r}"
        )
    tracer_provider, spans = tracing_of(settings, resource)
    provider = MeterProvider(metric_readers=readers, resource=resource)
    return Telemetry(
        provider, chosen == "prometheus", tracer_provider, spans, pushing, distributions
    )


def tracing_of(
    settings: Settings, resource: Resource
) -> "tuple[TracerProvider | None, Spans | None]":
    """What makes and exports spans, as the environment asks; nothing where it asks for none."""
    chosen = settings.text("OTEL_TRACES_EXPORTER", "none")
    if chosen == "none":
        return None, None
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import DEFAULT_ON

    from shop.spans import Ids, Sampler, Spans

    share = settings.share("OTEL_TRACES_SAMPLER_ARG", 0.01)
    # By the parent's word; what begins here has been decided before the SDK is asked.
    provider = TracerProvider(resource=resource, sampler=DEFAULT_ON, id_generator=Ids())
    provider.add_span_processor(_processor(chosen, settings))
    return provider, Spans(provider.get_tracer("shop"), Sampler(share))


def _processor(chosen: str, settings: Settings) -> "SpanProcessor":
    from opentelemetry.sdk.trace.export import (
        BatchSpanProcessor,
        ConsoleSpanExporter,
        SimpleSpanProcessor,
    )

    if chosen == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return BatchSpanProcessor(OTLPSpanExporter())
    if chosen == "file":
        from shop.span_file import FileSpanExporter

        # At once: a line costs 20 µs, and a thread that wakes each second costs more.
        return SimpleSpanProcessor(FileSpanExporter(settings.text("TRACES_FILE")))
    if chosen == "console":
        return SimpleSpanProcessor(ConsoleSpanExporter())
    raise SettingError(f"OTEL_TRACES_EXPORTER must be otlp, file, console or none, not {chosen!r}")
