"""Spans in a file, of several processes at once, that does not grow for ever."""

import json
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from shop import span_file
from shop.span_file import FileSpanExporter
from traces.reading import traces


def provider(path: Path, service: str) -> TracerProvider:
    made = TracerProvider(resource=Resource.create({"service.name": service}))
    made.add_span_processor(SimpleSpanProcessor(FileSpanExporter(str(path))))
    return made


def test_a_span_is_a_line_of_otlp_json(tmp_path: Path) -> None:
    path = tmp_path / "below" / "spans.jsonl"
    tracer = provider(path, "create-order").get_tracer("shop")
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER) as outer:
        outer.set_attributes({"http.route": "/orders", "count": 2, "ratio": 0.5, "well": True})
        with tracer.start_as_current_span("inner") as inner:
            inner.set_status(StatusCode.ERROR)

    first, second = (json.loads(line) for line in path.read_text().splitlines())
    (of_inner,) = first["resourceSpans"][0]["scopeSpans"][0]["spans"]
    (of_outer,) = second["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert of_inner["parentSpanId"] == of_outer["spanId"]
    assert "parentSpanId" not in of_outer
    assert (of_outer["kind"], of_inner["kind"]) == (2, 1)
    assert of_inner["status"] == {"code": 2}
    assert {entry["key"]: entry["value"] for entry in of_outer["attributes"]} == {
        "http.route": {"stringValue": "/orders"},
        "count": {"intValue": "2"},
        "ratio": {"doubleValue": 0.5},
        "well": {"boolValue": True},
    }


def test_two_files_hold_the_last_spans_of_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_file, "_MOST_BYTES", 20_000)
    path = tmp_path / "spans.jsonl"
    tracers = [provider(path, name).get_tracer("shop") for name in ("one", "other")]
    for number in range(200):
        with tracers[number % 2].start_as_current_span(f"span {number}"):
            pass

    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["spans.jsonl", "spans.jsonl.1"]
    assert all(file.stat().st_size < 21_000 for file in files)
    found = [span.name for trace in traces(path, since=0) for span in trace.spans]
    # The newest are there without a gap, whoever wrote them.
    assert found == [f"span {number}" for number in range(200 - len(found), 200)]
    assert len(found) > 30


def test_a_file_that_is_deleted_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    tracer = provider(path, "one").get_tracer("shop")
    with tracer.start_as_current_span("before"):
        pass
    path.unlink()
    with tracer.start_as_current_span("after"):
        pass
    assert [trace.spans[0].name for trace in traces(path, since=0)] == ["after"]


def test_a_disk_that_is_full_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    tracer = provider(path, "one").get_tracer("shop")
    path.mkdir()
    with tracer.start_as_current_span("nowhere"):
        pass
