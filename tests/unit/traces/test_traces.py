"""Traces as trees of lines."""

import time
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import StatusCode, Tracer, set_span_in_context

from local.layout import Layout
from shop.span_file import FileSpanExporter
from traces import drawing, reading
from traces.__main__ import main


def write(path: Path, *, began: float | None = None, failed: bool = False) -> str:
    """An order's trace of 100 ms and more: gateway, create-order, a statement, and the courier."""
    start = int((time.time() if began is None else began) * 1e9)

    def tracer(service: str) -> Tracer:
        provider = TracerProvider(resource=Resource.create({"service.name": service}))
        provider.add_span_processor(SimpleSpanProcessor(FileSpanExporter(str(path))))
        return provider.get_tracer("shop")

    gateway, order, courier = map(tracer, ("gateway", "create-order", "courier"))
    root = gateway.start_span("POST /api/orders", start_time=start)
    inner = order.start_span(
        "POST /orders", context=set_span_in_context(root), start_time=start + 10**7
    )
    statement = order.start_span(
        "place_order", context=set_span_in_context(inner), start_time=start + 2 * 10**7
    )
    statement.end(start + 5 * 10**7)
    inner.set_attribute("shop.order_id", "7")
    inner.end(start + 9 * 10**7)
    told = courier.start_span(
        "deliver order.created", context=set_span_in_context(inner), start_time=start + 15 * 10**7
    )
    told.end(start + 20 * 10**7)
    root.set_attribute("http.response.status_code", 503 if failed else 201)
    if failed:
        root.set_status(StatusCode.ERROR)
    root.end(start + 10**8)
    return f"{root.get_span_context().trace_id:032x}"


def plain(text: str, _: int) -> str:
    return text


def test_a_trace_is_a_tree(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    trace_id = write(path)
    (trace,) = reading.traces(path, since=0)
    heading, *lines = drawing.tree(trace, plain)
    assert heading.startswith(f"{trace_id}  POST /api/orders  201  answered in 100.0 ms")
    assert [line.split()[0] for line in lines] == [
        "gateway", "create-order", "create-order", "courier",
    ]  # fmt: skip
    assert " └─ POST /orders" in lines[1]
    assert "   ├─ place_order" in lines[2]
    assert "   └─ deliver order.created" in lines[3]
    for line, end in zip(lines, ("100.0 ms  201", "80.0 ms", "30.0 ms", "50.0 ms"), strict=True):
        assert line.endswith(end)


def test_a_bar_says_when_and_for_how_long(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    write(path)
    (trace,) = reading.traces(path, since=0)
    bars = [line.split("ms")[0] for line in list(drawing.tree(trace, plain))[1:]]
    assert "█" * 14 in bars[0]
    assert "·" * 21 + "█" * 7 in bars[3]


def test_a_span_whose_parent_is_not_there_yet_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    write(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if "POST /api" not in line) + '\n{"half')
    (trace,) = reading.traces(path, since=0)
    assert next(iter(drawing.tree(trace, plain))).split()[1:3] == ["POST", "/orders"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a shop's spans, as the command finds it."""
    monkeypatch.setenv("SHOP_DATA", str(tmp_path))
    monkeypatch.delenv("SHOP_PORT_OFFSET", raising=False)
    return Layout(tmp_path).traces


def test_the_newest_trace_is_shown_below_a_list(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time()
    write(shop, began=now - 3_000)
    write(shop, began=now - 30)
    newest = write(shop, began=now - 10)
    assert main([]) == 0
    listed, shown = capsys.readouterr().out.split("\n\n")
    assert len(listed.splitlines()) == 3
    assert shown.startswith(newest)


def test_traces_are_chosen(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    failed = write(shop, began=now - 30, failed=True)
    newest = write(shop, began=now - 10)
    for words, shown in (
        (["--errors"], failed), ([failed[:6]], failed), (["7"], newest), (["/api/orders"], newest),
    ):  # fmt: skip
        assert main(words) == 0
        assert capsys.readouterr().out.split("\n\n")[1].startswith(shown), words
    assert main(["nothing-like-it"]) == 1
    assert "None of the 2 traces" in capsys.readouterr().err


def test_that_there_are_none_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not shop.exists()
    assert main([]) == 1
    assert "There are no traces" in capsys.readouterr().err
