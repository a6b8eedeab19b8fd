"""Which traces are recorded, and what their spans say."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.trace import SpanKind

from shop import tracing
from shop.exporting import configure
from shop.settings import SettingError, Settings
from shop.spans import Ids, Sampler, Spans, ended, header_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
RECORDED, UNRECORDED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"


class Clock:
    """Seconds that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("shop.spans.time.monotonic", made.monotonic)
    return made


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def made(exported: InMemorySpanExporter) -> Iterator[Spans]:
    provider = TracerProvider(sampler=DEFAULT_ON, id_generator=Ids())
    provider.add_span_processor(SimpleSpanProcessor(exported))
    yield Spans(provider.get_tracer("test"), Sampler(0.0))
    provider.shutdown()


def test_twenty_traces_are_recorded_at_once_and_a_share_of_the_others(clock: Clock) -> None:
    sampler = Sampler(0.25)
    taken = [sampler() for _ in range(4_020)]
    assert all(taken[:20])
    assert 800 < sum(taken[20:]) < 1_200
    clock.now = 60.0
    assert [sampler() for _ in range(20)] == [True] * 20


def test_in_the_long_run_two_a_second_are_recorded(clock: Clock) -> None:
    sampler = Sampler(0.0)
    taken = 0
    for tenth in range(1_000):
        clock.now = tenth / 10
        taken += sum(sampler() for _ in range(50))
    assert 215 <= taken <= 221


async def in_a_task(work: Any) -> Any:
    """As requests are served: each in a task, and a context, of its own."""

    async def run() -> Any:
        return work()

    return await asyncio.create_task(run())


async def test_the_parent_decides_whether_a_request_is_recorded(
    made: Spans, exported: InMemorySpanExporter
) -> None:
    def serve(header: str) -> tuple[Any, tracing.Trace]:
        span, trace = made.serve(header, "GET /things")
        if span is not None:
            ended(span, "GET /things/{id}", {"http.response.status_code": 200})
        return span, trace

    span, trace = await in_a_task(lambda: serve(RECORDED))
    assert span is not None
    assert trace.trace_id == TRACE
    span, trace = await in_a_task(lambda: serve(UNRECORDED))
    assert span is None
    assert (trace.trace_id, trace.flags) == (TRACE, "00")

    (written,) = exported.get_finished_spans()
    assert written.name == "GET /things/{id}"
    assert written.parent is not None
    assert f"{written.parent.span_id:016x}" == SPAN


async def test_a_statement_is_a_span_below_the_request_s(
    made: Spans, exported: InMemorySpanExporter
) -> None:
    def serve() -> None:
        span, _ = made.serve(RECORDED, "GET /things")
        made.statement("get_thing", 0.002)
        assert span is not None
        ended(span, "GET /things", {})

    await in_a_task(serve)
    statement, request = exported.get_finished_spans()
    assert statement.name == "get_thing"
    assert statement.parent is not None
    assert request.context is not None
    assert statement.parent.span_id == request.context.span_id
    assert statement.start_time is not None
    assert statement.end_time is not None
    assert statement.end_time - statement.start_time == pytest.approx(2e6, abs=1e3)


async def test_a_statement_of_a_trace_that_is_not_recorded_is_none(
    made: Spans, exported: InMemorySpanExporter
) -> None:
    def serve() -> None:
        made.serve(UNRECORDED, "GET /things")
        made.statement("get_thing", 0.002)

    await in_a_task(serve)
    assert exported.get_finished_spans() == ()


def test_what_is_begun_below_a_header_hands_its_own_on(
    made: Spans, exported: InMemorySpanExporter
) -> None:
    span = made.begin(RECORDED, "publish", SpanKind.PRODUCER, {"a": 1}, began=1_000.0)
    assert span is not None
    handed_on = header_of(span)
    span.end()
    (written,) = exported.get_finished_spans()
    assert written.context is not None
    assert handed_on == f"00-{TRACE}-{written.context.span_id:016x}-01"
    assert written.start_time == 1_000 * 10**9
    for header in (None, UNRECORDED, "nonsense"):
        assert made.begin(header, "publish", SpanKind.PRODUCER, {}) is None


def test_what_is_followed_and_not_recorded_makes_no_traces_of_its_own(
    made: Spans, exported: InMemorySpanExporter
) -> None:
    """Libraries that are instrumented begin a trace where there is no current span."""
    for header in (UNRECORDED, None):
        with made.follow(header, "deliver", SpanKind.CONSUMER, {}):
            with made._tracer.start_as_current_span("POST"):
                pass
            if header:
                current = tracing.current()
                assert current is not None
                assert current.trace_id == TRACE
    assert exported.get_finished_spans() == ()
    with (
        made.follow(RECORDED, "deliver", SpanKind.CONSUMER, {}),
        made._tracer.start_as_current_span("POST"),
    ):
        pass
    assert [span.name for span in exported.get_finished_spans()] == ["POST", "deliver"]


@pytest.mark.parametrize("share", ["2", "-0.1", "some"])
def test_a_share_that_is_none_is_refused_by_name(share: str) -> None:
    settings = Settings({"OTEL_TRACES_EXPORTER": "console", "OTEL_TRACES_SAMPLER_ARG": share})
    with pytest.raises(SettingError, match="OTEL_TRACES_SAMPLER_ARG"):
        configure(settings, function="x", area="orders")


def test_a_file_is_named_where_traces_go_to_one() -> None:
    with pytest.raises(SettingError, match="TRACES_FILE"):
        configure(Settings({"OTEL_TRACES_EXPORTER": "file"}), function="x", area="orders")


def test_a_header_says_whether_its_trace_is_recorded() -> None:
    assert tracing.is_sampled(RECORDED)
    assert tracing.is_sampled(RECORDED[:-2] + "03")
    assert not tracing.is_sampled(UNRECORDED)
    assert not tracing.is_sampled("")
    assert re.fullmatch("0[01]", tracing.enter(None, lambda: True).flags)
