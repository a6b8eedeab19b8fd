"""What a process pushes: sums since the last time for what it counts, and zeros before that."""

import threading
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http import metric_exporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    Sum,
)

from shop import pushing
from shop.exporting import configure
from shop.settings import Settings
from shop.telemetry import Telemetry

_SETTINGS = Settings({"OTEL_METRICS_EXPORTER": "otlp"})
_REQUESTS = "inventory_http_requests"
_TYPES = "notification_notifications_sent"


class Collector:
    """Takes what is exported, in place of the network."""

    def __init__(self) -> None:
        self.sent: list[MetricsData] = []
        self.some = threading.Event()

    def export(self, data: MetricsData, *_: object, **__: object) -> MetricExportResult:
        self.sent.append(data)
        self.some.set()
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: object, **__: object) -> bool:
        return True

    def shutdown(self, *_: object, **__: object) -> None:
        pass

    def sums(self, name: str) -> list[tuple[int, list[float]]]:
        """Temporality and values of each export of a counter."""
        return [
            (metric.data.aggregation_temporality, [point.value for point in _points(metric.data)])
            for data in self.sent
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name and isinstance(metric.data, Sum)
        ]


def _points(data: Sum) -> Iterator[NumberDataPoint]:
    yield from data.data_points


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    made = Collector()
    monkeypatch.setattr(metric_exporter, "OTLPMetricExporter", lambda: made)
    monkeypatch.setattr(pushing, "_FIRST_AFTER_SECONDS", 0.0)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "600000")
    return made


def begun(*, totals_of_a_database: bool = False) -> Telemetry:
    return configure(
        _SETTINGS,
        function="list_products",
        area="inventory",
        totals_of_a_database=totals_of_a_database,
    )


def test_zeros_are_sent_before_the_first_request_and_then_what_was_added(
    collector: Collector,
) -> None:
    telemetry = begun()
    tally = telemetry.tally(_REQUESTS)
    labels = ("list_products", "GET", "/products", "200")
    tally.begin(*labels)
    telemetry.begin()
    for _ in range(3):
        tally.add(*labels)
    assert collector.some.wait(5)
    telemetry.provider.force_flush()
    for _ in range(2):
        tally.add(*labels)
    telemetry.shutdown()
    delta = int(AggregationTemporality.DELTA)
    assert [(int(kind), values) for kind, values in collector.sums(_REQUESTS)] == [
        (delta, [0]), (delta, [3]), (delta, [2]),
    ]  # fmt: skip


def test_a_total_of_a_database_goes_as_it_is(collector: Collector) -> None:
    telemetry = begun(totals_of_a_database=True)
    telemetry.observe(_TYPES, lambda: [(41, {"type": "order.created"})])
    telemetry.provider.force_flush()
    telemetry.shutdown()
    cumulative = int(AggregationTemporality.CUMULATIVE)
    sums = [(int(kind), values) for kind, values in collector.sums(_TYPES)]
    assert sums == [(cumulative, [41]), (cumulative, [41])]


def test_the_first_export_waits_until_a_process_that_ends_hurries_it(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "_FIRST_AFTER_SECONDS", 60.0)
    telemetry = begun()
    telemetry.tally(_REQUESTS).begin("list_products", "GET", "/products", "200")
    telemetry.begin()
    assert not collector.some.wait(0.1)
    telemetry.shutdown()
    assert collector.sums(_REQUESTS)
