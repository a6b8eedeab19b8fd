"""Histograms of the shop's own: they say what the SDK's would, and more where it is of use."""

import threading
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

from shop import tracing
from shop.distributions import Distribution, Distributions
from shop.exporting import configure
from shop.instruments import BUCKETS
from shop.settings import Settings

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
values = st.one_of(st.floats(0, 20, allow_subnormal=False), st.sampled_from(BUCKETS))
labels = st.fixed_dictionaries({"function": st.sampled_from("ab"), "route": st.sampled_from("xy")})


def made() -> Distribution:
    return Distribution("d", ("function", "route"), BUCKETS)


def by_labels(points: Any) -> dict[Any, tuple[int, float, list[int]]]:
    return {
        tuple(sorted(point.attributes.items())): (
            point.count, round(point.sum, 9), list(point.bucket_counts),
        )
        for point in points
    }  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(values, labels), min_size=1, max_size=60))
def test_it_counts_as_the_sdk_does(recorded: list[tuple[float, dict[str, str]]]) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    theirs = provider.get_meter("test").create_histogram(
        "d", explicit_bucket_boundaries_advisory=BUCKETS
    )
    ours = made()
    for value, of in recorded:
        theirs.record(value, of)
        ours.record(value, of)
    data = reader.get_metrics_data()
    assert isinstance(data, MetricsData)
    expected = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert by_labels(ours.points(delta=False)) == by_labels(expected)
    provider.shutdown()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.tuples(values, labels), max_size=20), min_size=1, max_size=5))
def test_what_is_sent_piece_by_piece_adds_up(
    pieces: list[list[tuple[float, dict[str, str]]]],
) -> None:
    whole, in_pieces = made(), made()
    counted: dict[Any, list[int]] = {}
    for piece in pieces:
        for value, of in piece:
            whole.record(value, of)
            in_pieces.record(value, of)
        for key, (_, _, counts) in by_labels(in_pieces.points(delta=True)).items():
            before = counted.get(key, [0] * len(counts))
            counted[key] = [a + b for a, b in zip(before, counts, strict=True)]
    expected = by_labels(whole.points(delta=False))
    assert counted == {key: counts for key, (_, _, counts) in expected.items()}


def test_what_has_not_grown_is_not_sent_again() -> None:
    histogram = made()
    histogram.begin({"function": "a", "route": "x"})
    assert [point.count for point in histogram.points(delta=True)] == [0]
    assert histogram.points(delta=True) == []
    histogram.record(0.02, {"function": "a", "route": "x"})
    (point,) = histogram.points(delta=True)
    assert (point.count, point.sum) == (1, 0.02)
    assert histogram.points(delta=True) == []


def test_a_series_is_shown_before_its_first_value() -> None:
    histogram = made()
    histogram.begin({"function": "a", "route": "x"})
    (point,) = histogram.points(delta=False)
    assert (point.count, point.sum, sum(point.bucket_counts)) == (0, 0.0, 0)


def test_an_exemplar_names_a_trace_that_is_recorded() -> None:
    histogram = made()
    for flags, value in (("01", 0.02), ("00", 0.02), ("00", 3.0), ("01", 0.07)):
        tracing.adopt(int(TRACE, 16), int(SPAN, 16), int(flags))
        histogram.record(value, {"function": "a", "route": "x"})
    (point,) = histogram.points(delta=False)
    found = {(e.value, f"{e.trace_id:032x}", f"{e.span_id:016x}") for e in point.exemplars}
    assert found == {(0.02, TRACE, SPAN), (0.07, TRACE, SPAN)}
    tracing.adopt(1, 1, 0)


def test_exemplars_that_were_sent_are_not_sent_again() -> None:
    histogram = made()
    tracing.adopt(int(TRACE, 16), int(SPAN, 16), 1)
    histogram.record(0.02, {"function": "a", "route": "x"})
    tracing.adopt(1, 1, 0)
    assert len(histogram.points(delta=True)[0].exemplars) == 1
    histogram.record(0.02, {"function": "a", "route": "x"})
    assert list(histogram.points(delta=True)[0].exemplars) == []


def test_nothing_is_lost_where_another_thread_collects() -> None:
    histogram = made()
    total = 0
    ended = threading.Event()

    def record() -> None:
        for _ in range(20_000):
            histogram.record(0.02, {"function": "a", "route": "x"})
        ended.set()

    thread = threading.Thread(target=record)
    thread.start()
    while not ended.is_set():
        total += sum(point.count for point in histogram.points(delta=True))
    thread.join()
    total += sum(point.count for point in histogram.points(delta=True))
    assert total == 20_000


def test_it_is_collected_with_what_the_sdk_collects() -> None:
    telemetry = configure(
        Settings({"OTEL_METRICS_EXPORTER": "none"}), function="create_order", area="orders"
    )
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    provider.get_meter("test").create_counter("of_the_sdk").add(1)
    telemetry.record("order_processing_duration", 0.02, outcome="confirmed")
    data = reader.get_metrics_data()
    assert data is not None
    joined = telemetry.distributions.joined(data, delta=True)
    metrics = joined.resource_metrics[0].scope_metrics[0].metrics
    assert [metric.name for metric in metrics] == ["of_the_sdk", "order_processing_duration"]
    assert Distributions().joined(data, delta=True) is data
    assert telemetry.distributions.joined(MetricsData([]), delta=True).resource_metrics == []
    provider.shutdown()


def test_it_travels_by_otlp_with_its_exemplars() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    provider.get_meter("test").create_counter("of_the_sdk").add(1)
    data = reader.get_metrics_data()
    assert data is not None
    distributions = Distributions()
    histogram = distributions.make("d", ("function", "route"), "What it means.", BUCKETS)
    tracing.adopt(int(TRACE, 16), int(SPAN, 16), 1)
    histogram.record(0.02, {"function": "a", "route": "x"})
    tracing.adopt(1, 1, 0)
    sent = encode_metrics(distributions.joined(data, delta=True))
    _, metric = sent.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.histogram.data_points
    assert (metric.name, metric.unit, point.count, point.sum) == ("d", "s", 1, 0.02)
    assert list(point.explicit_bounds) == list(BUCKETS)
    assert not point.HasField("min")
    (exemplar,) = point.exemplars
    assert (exemplar.as_double, exemplar.trace_id.hex(), exemplar.span_id.hex()) == (
        0.02, TRACE, SPAN,
    )  # fmt: skip
    provider.shutdown()
