"""Where metrics and spans go, as the environment asks.

`OTEL_METRICS_EXPORTER` is `prometheus`, `otlp` or `none`; `OTEL_TRACES_EXPORTER` is `otlp`, `file`,
`console` or `none`.
"""

import uuid
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource

from shop.distributions import Distributions
from shop.settings import SettingError, Settings
from shop.telemetry import Telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    from shop.spans import Spans


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
