"""The overview in the terminal."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dash import drawing
from dash.__main__ import main
from dash.asking import QUERIES, Readings, Series
from local.layout import HOST
from tests.support.promql import Vocabulary

QUIET: dict[str, list[Series]] = {
    name: [] for name in QUERIES
} | {
    "requests": [({"service": "gateway"}, 12.34), ({"service": "orders"}, 2_345.6)],
    "p95": [({"service": "gateway"}, 0.0123)],
    "errors": [({"service": "orders"}, 0.05)],
    "orders": [({"status": "confirmed"}, 1_234.0), ({"status": "rejected"}, 5.0)],
    "ordering": [({"status": "confirmed"}, 1.5)],
    "sent": [({"type": "order.created"}, 1_239.0)],
    "backlog": [({"service": "orders"}, 3.0)],
    "age": [({"service": "orders"}, 0.25)],
    "lag": [({"consumer": "notify_order"}, 2.0)],
    "letters": [({"state": "waiting"}, 0.0)],
    "products": [({}, 40.0)],
    "low": [({}, 1.0)],
    "stuck": [({}, 0.0)],
    "ledger": [({}, 0.0)],
    "stock": [
        ({"product": "A lamp with a name that is far too long"}, 50.0), ({"product": "Vase"}, 5.0),
    ],
}  # fmt: skip


def marked(text: str, colour: int) -> str:
    return f"<{colour}>{text}</>"


def page(**changed: Any) -> str:
    return "\n".join(drawing.lines(Readings(QUIET | changed), marked))


@pytest.mark.parametrize("name", QUERIES)
def test_it_asks_for_what_exists(name: str) -> None:
    Vocabulary.of_the_shop().labels(QUERIES[name])


def test_it_shows_services_orders_events_stock_and_notifications() -> None:
    shown = page()
    assert "No alert is firing." in shown
    assert re.search(r"^gateway +12\.3 +12 ms +0\.00%$", shown, re.MULTILINE)
    assert re.search(r"<31>orders +2,346 +- +5\.00%</>", shown)
    assert re.search(r"confirmed +1,234 +1\.5/s", shown)
    assert re.search(r"outbox orders +3 waiting, 250 ms old", shown)
    assert re.search(r"order\.created +1,239", shown)
    assert "40 products, 1 of them low" in shown
    assert shown.index("Vase") < shown.index("A lamp with a name …")


def test_what_is_wrong_is_seen() -> None:
    shown = page(
        alerts=[({"alertname": "OutboxStuck", "severity": "page", "service": "orders"}, 1.0)],
        targets=[({"job": "orders"}, 6.0)], up=[({"job": "orders"}, 4.0)],
        age=[({"service": "orders"}, 75.0)], letters=[({"state": "waiting"}, 2.0)],
        ledger=[({}, 1.0)], budget=[({"slo": "availability"}, -0.2)],
    )  # fmt: skip
    assert "<31>page    OutboxStuck  orders</>" in shown
    assert "<31>2 targets of orders are down.</>" in shown
    assert re.search(r"<31>  outbox orders .*75 s old</>", shown)
    assert re.search(r"<31>  dead letters +2</>", shown)
    assert re.search(r"<31>  ledger differences +1</>", shown)
    assert "<31>Error budget left, 30 days: -20% of availability.</>" in shown


def test_what_nobody_knows_is_not_called_zero() -> None:
    shown = page(stuck=[], ledger=[])
    assert re.search(r"stuck +unknown", shown)
    assert re.search(r"ledger differences +unknown", shown)


def test_columns_stand_below_one_another_with_colours_and_without() -> None:
    def coloured(text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m"

    plain = list(drawing.lines(Readings(QUIET), lambda text, _: text))
    painted = list(drawing.lines(Readings(QUIET), coloured))
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in painted[1:]] == plain[1:]


@pytest.fixture
def prometheus() -> Iterator[str]:
    """Answers every query with what QUIET has for it, and once with what is no number."""
    names = {expression: name for name, expression in QUERIES.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (expression,) = parse_qs(urlsplit(self.path).query)["query"]
            series = [*QUIET[names[expression]], ({"service": "x"}, float("nan"))]
            result = [{"metric": m, "value": [0, str(value)]} for m, value in series]
            body = json.dumps({"data": {"result": result}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HOST}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_it_is_printed_once_where_there_is_no_terminal(
    prometheus: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", prometheus]) == 0
    shown = capsys.readouterr().out
    assert "Overview" in shown
    assert "\x1b" not in shown
    assert re.search(r"confirmed +1,234", shown)


def test_that_prometheus_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", f"http://{HOST}:1"]) == 1
    assert "Prometheus does not answer" in capsys.readouterr().err
