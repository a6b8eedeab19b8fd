"""Metrics that are pushed by OTLP, for processes that come and go.

Pods of one function overlap, and each lives for a minute. What a process counts itself is sent as
what was added since it last sent (delta): the Collector adds it to one series of the function,
which outlives them. A total that a database knows goes as it is (cumulative), since it says the
same whoever reads it.
"""

import threading
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)

from shop.distributions import Distributions

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider

# What OTLP needs takes 0.3 s to import: the request that has woken a function does not wait for it.
_FIRST_AFTER_SECONDS = 2.0
_COLLECT_SECONDS = 1.0


class LateExporter(MetricExporter):
    """Sends by OTLP, and imports what that needs when there is something to send.

    The first export waits a moment. What comes meanwhile queues behind it.
    """

    def __init__(self, distributions: Distributions, *, totals_of_a_database: bool) -> None:
        """`totals_of_a_database` says that observed counters are such totals."""
        delta = AggregationTemporality.DELTA
        observed = AggregationTemporality.CUMULATIVE if totals_of_a_database else delta
        super().__init__(
            preferred_temporality={Counter: delta, Histogram: delta, ObservableCounter: observed}
        )
        self._distributions = distributions
        self.collected = threading.Event()
        self._hurry = threading.Event()
        self._exporter: MetricExporter | None = None

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **options: Any
    ) -> MetricExportResult:
        """Send; what could not be sent within the time is lost, and a line in the log."""
        metrics_data = self._distributions.joined(metrics_data, delta=True)
        self.collected.set()
        if self._exporter is None:
            self._hurry.wait(_FIRST_AFTER_SECONDS)
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

            self._exporter = OTLPMetricExporter()
        return self._exporter.export(metrics_data, timeout_millis, **options)

    def hurry(self) -> None:
        """Wait for nothing any more: the process ends."""
        self._hurry.set()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is kept back here."""
        return self._exporter is None or self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **options: Any) -> None:
        """Close what is open."""
        if self._exporter is not None:
            self._exporter.shutdown(timeout_millis, **options)


class Pushing:
    """A process's pushed metrics: the reader for its provider, and when it sends."""

    def __init__(self, distributions: Distributions, *, totals_of_a_database: bool) -> None:
        self._exporter = LateExporter(distributions, totals_of_a_database=totals_of_a_database)
        self.reader = PeriodicExportingMetricReader(self._exporter)

    def begin(self, provider: "MeterProvider") -> None:
        """Send what there is now, in the background: zeros, of what will be counted.

        Prometheus sees an increase only from one value to the next; of a series that begins with
        what the first requests have counted, it would see none. So zeros are collected before the
        first request, and shown for an interval before the first counts follow.
        """
        began = time.monotonic()
        threading.Thread(target=provider.force_flush, name="first-export", daemon=True).start()
        self._exporter.collected.wait(max(0.0, began + _COLLECT_SECONDS - time.monotonic()))

    def end(self) -> None:
        """Let the last export start at once."""
        self._exporter.hurry()
