import io
import json
from pathlib import Path

import pytest

from local import console as module
from local.console import Console, Output


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(shown: io.StringIO) -> Console:
    return Console(shown)


def test_a_json_line_becomes_a_sentence(
    console: Console, shown: io.StringIO, tmp_path: Path
) -> None:
    output = Output("create_order", tmp_path, console)
    line = {"level": "info", "message": "POST /orders 201", "duration_ms": 12.34}
    output.feed(json.dumps(line).encode()[:10])
    output.feed(json.dumps(line).encode()[10:] + b"\n")
    console.close()
    assert "create_order         POST /orders 201  12.3 ms" in shown.getvalue()
    assert json.loads((tmp_path / "create_order.log").read_text()) == line


def test_servers_are_heard_only_when_they_are_in_trouble(
    console: Console, shown: io.StringIO, tmp_path: Path
) -> None:
    output = Output("postgres", tmp_path, console)
    output.feed(
        b"LOG:  listening\nFATAL:  out of memory\nFATAL:  the database system is starting up\n"
    )
    console.close()
    assert "out of memory" in shown.getvalue()
    assert "listening" not in shown.getvalue()
    assert "starting up" not in shown.getvalue()


def test_a_flood_is_counted_instead_of_shown(
    console: Console, shown: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    output = Output("gateway", tmp_path, console)
    output.feed(b"line\n" * 500)
    clock[0] += 1
    output.feed(b"after\n")
    console.close()
    assert shown.getvalue().count("line\n") <= 25
    assert "475 more lines in gateway.log" in shown.getvalue()
    assert (tmp_path / "gateway.log").read_text().count("line\n") == 500


def test_a_log_does_not_grow_without_end(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    output = Output("gateway", tmp_path, console)
    for _ in range(100):
        output.feed(b"x" * 99 + b"\n")
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 1100
