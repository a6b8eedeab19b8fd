"""What is seen of a shop that runs: panels have data, series are listed, traces are whole."""

import asyncio
import json
import random
import re
import string
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from typing import Any
from uuid import uuid4

import psutil
import pytest
from yarl import URL

from dashboards.__main__ import BOARDS
from dashboards.variables import filled
from local.layout import Layout
from shop.gateway.routes import DOCUMENT
from tests.support.live import Client, Live, until
from tests.support.metrics import scrape
from tests.support.prometheus import Prometheus, prometheus
from tests.support.promql import Vocabulary, rules

# What Prometheus' client and OpenTelemetry's exporter tell of each process by themselves.
_OF_A_PROCESS = re.compile(r"(process|python|scrape)_\w+|target_info")
PANELS = [
    (board.uid, panel.title, filled(query.expression))
    for board in BOARDS
    for panel in board.panels
    if not panel.needs_knative
    for query in panel.queries
]


@pytest.fixture(scope="module")
def watched(running: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the running shop each second."""
    folder = tmp_path_factory.mktemp("prometheus")
    offset = (URL(running.url).port or 0) - running.layout.gateway
    with prometheus(Layout(running.layout.data, offset), folder) as made:
        yield made


async def drive(client: Client) -> None:
    """Orders of every outcome, and the requests around them."""
    product = await client.product(stock=12, low_stock_threshold=9)
    for quantity in (1, 4, 1_000):
        await client.order(product["id"], quantity)
    placed = (await client.order(product["id"])).json
    await client.post(f"/api/orders/{placed['id']}/cancel")
    await client.post(f"/api/products/{product['id']}/stock", {"quantity": 5})
    for path in ("/api/products", "/api/categories", f"/api/products/{product['id']}",
                 "/api/orders", f"/api/orders/{placed['id']}", "/api/notifications",
                 "/api/dead-letters", "/api/nothing"):  # fmt: skip
        await client.get(path)
    await client.delete(f"/api/products/{product['id']}")


async def test_every_panel_has_data(client: Client, running: Live, watched: Prometheus) -> None:
    async def empty() -> list[tuple[str, str, str]]:
        return [panel for panel in PANELS if not watched.query(panel[2])]

    async def all_have_data() -> bool:
        await drive(client)
        return not await empty()

    await client.product(name="Kept")  # What `drive` makes, it deletes again.
    await drive(client)
    await running.settled()
    try:
        await until(all_have_data, "every panel has data", seconds=30)
    except AssertionError:
        assert await empty() == []


async def test_the_numbers_of_the_overview_are_those_of_the_databases(
    client: Client, running: Live, watched: Prometheus
) -> None:
    await drive(client)
    await running.settled()
    with running.tables() as (_inventory, orders, notifications):
        statuses = orders.statuses()
        told = dict(notifications.rows("SELECT type, count(*) FROM notifications GROUP BY type"))

    async def agree() -> bool:
        shown = {labels["status"]: value for labels, value in watched.query("shop:orders:total")}
        sent = watched.query("shop:notifications_sent:total")
        by_type = {labels["type"]: value for labels, value in sent if value}
        return shown.get("rejected") == statuses["rejected"] and by_type == told

    await until(agree, "Prometheus shows what the databases hold")


async def test_every_target_is_up_and_no_alert_about_a_cause_fires(
    client: Client, running: Live, watched: Prometheus
) -> None:
    await client.get("/api/products")
    processes = {
        name
        for name, process in running.state.processes.items()
        if process["kind"] in ("function", "loop", "sources")
    }

    async def all_up() -> bool:
        up = {labels["instance"] for labels, value in watched.query("up") if value == 1}
        return up == processes

    await until(all_up, f"these are up: {sorted(processes)}")
    loaded = watched.ask("rules")["groups"]
    names = {rule["name"] for group in loaded for rule in group["rules"]}
    assert names == {rule.get("alert") or rule["record"] for rule in rules()}
    unhealthy = [
        (rule["name"], rule.get("lastError"))
        for group in loaded
        for rule in group["rules"]
        if rule["health"] == "err"
    ]
    assert unhealthy == []
    firing = {labels["alertname"] for labels, _ in watched.query('ALERTS{alertstate="firing"}')}
    assert not firing & {"StockLedgerMismatch", "LoopSilent", "TargetDown", "SagaStuck"}


async def test_every_series_is_listed_with_its_labels(client: Client, watched: Prometheus) -> None:
    vocabulary = Vocabulary.of_the_shop()
    await drive(client)

    async def scraped() -> bool:
        return bool(watched.query("order_processing_duration_seconds_count"))

    await until(scraped, "the orders are scraped")
    names = set(watched.ask("label/__name__/values"))
    unknown = {
        name
        for name in names
        if name not in vocabulary.series
        and not _OF_A_PROCESS.fullmatch(name)
        and name != "ALERTS_FOR_STATE"
    }
    assert unknown == set()
    for name in sorted(names & vocabulary.series.keys()):
        for series in watched.ask("series", **{"match[]": name}):
            extra = set(series) - {"__name__"} - vocabulary.series[name]
            # An alert's own labels.
            assert not extra or name == "ALERTS", (name, extra)


def spans_of(running: Live, trace_id: str) -> list[dict[str, Any]]:
    """The spans of a trace that have been written, each with its service."""
    found = []
    for line in (running.layout.data / "traces" / "spans.jsonl").read_text().splitlines():
        for of_resource in json.loads(line)["resourceSpans"]:
            (service,) = (
                entry["value"]["stringValue"]
                for entry in of_resource["resource"]["attributes"]
                if entry["key"] == "service.name"
            )
            for of_scope in of_resource["scopeSpans"]:
                found += [
                    {**span, "service": service}
                    for span in of_scope["spans"]
                    if span["traceId"] == trace_id
                ]
    return found


async def test_an_order_is_one_trace_from_the_browser_to_the_delivery(
    client: Client, running: Live
) -> None:
    product = await client.product()
    trace_id, browser = uuid4().hex, "00f067aa0ba902b7"
    headers = {"traceparent": f"00-{trace_id}-{browser}-01"}
    assert (await client.order(product["id"], headers=headers)).status == 201

    async def complete() -> list[dict[str, Any]] | None:
        found = spans_of(running, trace_id)
        return found if any(span["service"] == "courier" for span in found) else None

    spans = await until(complete, "the trace has come to the courier")
    by_id = {span["spanId"]: span for span in spans}

    def way(span: dict[str, Any]) -> list[str]:
        """The services above a span and its own, from the outside inwards."""
        above = by_id.get(span["parentSpanId"])
        return [*(way(above) if above else []), span["service"]]

    def of(service: str, name: str) -> dict[str, Any]:
        (found,) = (s for s in spans if s["service"] == service and s["name"].startswith(name))
        return found

    assert of("gateway", "POST /api/orders")["parentSpanId"] == browser
    reserved = of("reserve-stock", "reserve_one")
    assert way(reserved) == [
        "gateway", "gateway", "create-order", "create-order", "reserve-stock", "reserve-stock",
    ]  # fmt: skip
    assert way(of("courier", "deliver order.created")) == [
        "gateway", "gateway", "create-order", "orders-relay", "event-sources", "notify-order",
        "courier",
    ]  # fmt: skip
    statements = {s["name"] for s in spans if s["service"] == "create-order" and s["kind"] == 3}
    assert {"place_order", "confirm_order"} <= statements


async def test_a_trace_that_its_beginner_does_not_record_is_not_recorded(
    client: Client, running: Live
) -> None:
    product = await client.product()
    trace_id = uuid4().hex
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-00"}
    answer = await client.order(product["id"], headers=headers)
    await running.settled()

    async def told() -> bool:
        return any(line.get("trace_id") == trace_id for line in running.log("courier"))

    await until(told, "the courier has told of the order")
    assert answer.status == 201
    assert spans_of(running, trace_id) == []


async def fuzz(client: Client, running: Live, chance: random.Random) -> None:
    """Requests of paths, methods, names and events that nobody has seen before."""

    def text(most: int) -> str:
        return "".join(chance.choices(string.ascii_letters + string.digits + "-_.~%25", k=most))

    urls = [running.url, *(running.state.urls[area] for area in ("inventory", "orders"))]
    asked: list[Coroutine[Any, Any, object]] = []
    for number in range(60):
        path = f"/api/{text(12)}" if number % 2 else f"/api/products/{text(9)}"
        headers = {
            "X-Request-Id": text(30),
            "traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-00",
            text(8): text(8),
        }
        method = chance.choice(("GET", "PUT", "DELETE", "BREW", text(6).replace("%", "X")))
        base = chance.choice(urls)
        asked.append(client.request(method, base + path.replace("%", "%25"), headers=headers))
    body = {"name": text(40), "price": 1, "stock": 5, "category": text(20)}
    asked += [client.post("/api/products", body | {"name": text(40)}) for _ in range(5)]
    asked += [client.get(f"/api/products?q={text(12)}&category={text(9)}") for _ in range(5)]
    asked += [client.post("/api/orders", {"product_id": chance.randrange(1, 2**40), "quantity": 1})]
    for name in ("notify_order", "notify_inventory"):
        event = {
            "ce-specversion": "1.0", "ce-id": text(9), "ce-source": f"/{text(9)}",
            "ce-type": f"com.shophub.{text(9)}.v1", "Content-Type": "application/json",
        }  # fmt: skip
        url = running.state.functions[name]
        asked.append(client.send("POST", f"{url}/", b"{}", headers=event))
    await asyncio.gather(*asked)


async def test_a_fuzz_of_paths_and_names_makes_no_series_and_takes_no_memory(
    client: Client, running: Live
) -> None:
    async def series() -> dict[str, set[tuple[str, ...]]]:
        """Those of each metric, but stock levels, of which 500 products are shown."""
        urls = running.state.urls
        found: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for area in ("gateway", "inventory", "orders", "notifications"):
            for name, labels, _ in (await scrape(client, urls[area])).samples:
                found[name].add(tuple(labels.values()))
        assert len(found.pop("inventory_stock_levels", ())) <= 500
        return found

    def memory() -> int:
        names = ("gateway", "list_products", "create_order", "notify_order")
        processes = (psutil.Process(running.state.processes[name]["pid"]) for name in names)
        return sum(process.memory_info().rss for process in processes)

    chance = random.Random(4711)
    for _ in range(2):
        await fuzz(client, running, chance)
    before, used = await series(), memory()
    for _ in range(6):
        await fuzz(client, running, chance)
    after = await series()
    # A status that a function had not answered yet is one more; 400 requests are not.
    assert sum(len(after[name] - before[name]) for name in after) <= 5
    labels = {value for name in after for each in after[name] for value in each}
    known = json.loads(DOCUMENT.read_text())["paths"]
    templates = {path.removeprefix("/api") for path in known} | set(known) | {
        "/", "/health", "/docs", "/openapi.json", "/{path}", "/reservations",
        "/reservations/{uuid}/release", "unmatched", "",
    }  # fmt: skip
    assert {value for value in labels if value.startswith("/")} <= templates
    assert memory() - used < 8 * 1024**2
