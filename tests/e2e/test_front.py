"""What the gateway and the areas' ports say of the shop: health, documents, metrics."""

import json

import pytest

from shop.gateway.routes import DOCUMENT
from shop.instruments import BUCKETS
from tests.support.live import Client, Live, until
from tests.support.metrics import Samples, scrape

AREAS = ("inventory", "orders", "notifications")
LOOPS = {
    "inventory": {"inventory-relay"}, "orders": {"orders-relay"}, "notifications": {"courier"},
}  # fmt: skip
# The names that dashboards and rules may rely on, by the port that shows them.
CONTRACT = {
    "inventory": {
        "inventory_http_requests_total", "inventory_http_request_duration_seconds_bucket",
        "inventory_db_query_duration_seconds_bucket", "inventory_stock_levels",
        "inventory_outbox_backlog", "inventory_outbox_oldest_age_seconds",
        "inventory_ledger_differences",
    },
    "orders": {
        "order_http_requests_total", "order_http_request_duration_seconds_bucket",
        "order_orders_total", "order_processing_duration_seconds_bucket",
        "order_outbox_backlog", "order_outbox_oldest_age_seconds", "order_stuck_orders",
    },
    "notifications": {
        "notification_notifications_sent_total",
        "notification_message_processing_duration_seconds_bucket",
        "notification_event_latency_seconds_bucket", "notification_dead_letters",
        "notification_undelivered",
    },
    "gateway": {
        "gateway_http_requests_total", "gateway_http_request_duration_seconds_bucket",
        "gateway_errors_total",
    },
}  # fmt: skip


async def test_health_tells_of_every_service_and_wakes_none(client: Client) -> None:
    services = set(json.loads(DOCUMENT.read_text())["x-services"])
    await client.get("/api/products")
    answer = await client.get("/health")
    states = {name: seen["state"] for name, seen in answer.json["services"].items()}
    assert (answer.status, answer.json["status"]) == (200, "ok")
    assert set(states) >= services
    assert states["list-products"] == "up"
    assert set(states.values()) <= {"up", "idle"}


async def test_a_probe_asks_every_service(client: Client) -> None:
    async def all_up() -> bool:
        answer = await client.get("/health?probe=true")
        states = {seen["state"] for seen in answer.json["services"].values()}
        assert states <= {"up", "down"}
        return answer.status == 200 and states == {"up"}

    # On Knative, those that sleep are woken by it, all at once.
    await until(all_up, "every service answers a probe")


async def test_the_document_is_the_committed_one_and_can_be_read(client: Client) -> None:
    answer = await client.get("/openapi.json")
    assert (answer.status, answer.body) == (200, DOCUMENT.read_bytes())
    page = await client.get("/docs")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert b"/openapi.json" in page.body


@pytest.mark.parametrize("area", AREAS)
async def test_an_area_answers_for_its_functions(client: Client, running: Live, area: str) -> None:
    state = running.state
    health = await client.get(f"{state.urls[area]}/health")
    assert (health.status, health.json["status"]) == (200, "ok")
    functions = {
        name
        for name, process in state.processes.items()
        if process["area"] == area and process["kind"] == "function"
    }
    assert set(health.json["services"]) == functions | LOOPS[area]

    path = {"inventory": "products"}.get(area, area)
    here = await client.get(f"{state.urls[area]}/{path}?limit=3")
    there = await client.get(f"/api/{path}?limit=3")
    assert (here.status, here.json) == (200, there.json)
    if here.next is not None:
        assert here.next.startswith(f"/{path}?")
    for missing, status in (("/api/products", 404), ("/nothing", 404)):
        answer = await client.get(state.urls[area] + missing)
        assert (answer.status, answer.problem) == (status, "not-found")


async def test_the_metrics_of_the_contract_are_there(client: Client, running: Live) -> None:
    product = await client.product()
    await client.order(product["id"])
    await client.get("/api/nothing")
    await running.settled()

    async def missing() -> set[str]:
        lacking: set[str] = set()
        for area, names in CONTRACT.items():
            found = await scrape(client, running.state.urls[area])
            lacking |= {name for name in names if not found.labels(name)}
        return lacking

    # Some of them are read from the databases every few seconds.
    async def complete() -> bool:
        return not await missing()

    await until(complete, f"there are metrics {await missing()}")


async def test_the_gateway_counts_by_route(client: Client, running: Live) -> None:
    product = await client.product()
    before = await scrape(client, running.state.urls["gateway"])
    for _ in range(3):
        await client.get(f"/api/products/{product['id']}")
    await client.get("/api/products/4611686018427387904")
    await client.get("/api/nothing")
    after = await scrape(client, running.state.urls["gateway"])

    def more(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    route = {"route": "/api/products/{id}", "method": "GET"}
    assert more("gateway_http_requests_total", **route, status="200") == 3
    assert more("gateway_http_requests_total", **route, status="404") == 1
    assert more("gateway_http_request_duration_seconds_count", **route) == 4
    assert more("gateway_errors_total", type="not-found") == 1
    shown = after.labels("gateway_http_requests_total")
    assert not any(str(product["id"]) in labels["route"] for labels in shown)


async def test_the_areas_count_by_function_and_route(client: Client, running: Live) -> None:
    async def scraped() -> dict[str, Samples]:
        return {area: await scrape(client, running.state.urls[area]) for area in AREAS}

    product = await client.product(stock=3, low_stock_threshold=1)
    await running.settled()
    before = await scraped()
    for quantity in (1, 1, 5):
        await client.order(product["id"], quantity)
    await client.get(f"/api/products/{product['id']}")
    await running.settled()
    after = await scraped()

    def more(area: str, name: str, **labels: str) -> float:
        return after[area].value(name, **labels) - before[area].value(name, **labels)

    requests, seconds = "inventory_http_requests_total", "inventory_http_request_duration_seconds"
    reserve = {"function": "reserve_stock", "route": "/reservations", "method": "POST"}
    assert more("inventory", requests, **reserve, status="200") == 2
    assert more("inventory", requests, **reserve, status="409") == 1
    assert more("inventory", f"{seconds}_count", **reserve) == 3
    shown = {"function": "get_product", "route": "/products/{id}", "method": "GET"}
    assert more("inventory", requests, **shown, status="200") == 1
    assert more("inventory", "inventory_db_query_duration_seconds_count", function="get_product")

    placed = {"function": "create_order", "route": "/orders", "method": "POST"}
    assert more("orders", "order_http_requests_total", **placed, status="201") == 2
    assert more("orders", "order_http_requests_total", **placed, status="409") == 1
    duration = "order_processing_duration_seconds_count"
    assert more("orders", duration, outcome="confirmed") == 2
    assert more("orders", duration, outcome="rejected") == 1

    for name in ("message_processing_duration", "event_latency"):
        count = f"notification_{name}_seconds_count"
        assert more("notifications", count, type="order.created") == 2, name
        assert more("notifications", count, type="order.rejected") == 1, name
        assert more("notifications", count, type="product.stock_low") == 1, name


async def test_what_the_databases_know_is_counted_exactly(client: Client, running: Live) -> None:
    product = await client.product(stock=12, low_stock_threshold=9)
    for _ in range(4):
        await client.order(product["id"])
    await client.order(product["id"], 1_000)
    await running.settled()
    with running.tables() as (_inventory, orders, notifications):
        statuses = orders.statuses()
        told = dict(notifications.rows("SELECT type, count(*) FROM notifications GROUP BY type"))

    async def agree() -> bool:
        urls = running.state.urls
        shown = {area: await scrape(client, urls[area]) for area in AREAS}
        levels = shown["inventory"].value("inventory_stock_levels", product_id=str(product["id"]))
        return (
            levels == 8
            and shown["orders"].value("order_orders_total", status="rejected")
            == statuses["rejected"]
            # An order that was cancelled had been confirmed before.
            and shown["orders"].value("order_orders_total", status="confirmed")
            >= statuses["confirmed"]
            and all(
                shown["notifications"].value("notification_notifications_sent_total", type=type_)
                == number
                for type_, number in told.items()
            )
            and shown["inventory"].value("inventory_outbox_backlog") == 0
            and shown["inventory"].value("inventory_ledger_differences") == 0
        )

    await until(agree, "the metrics show what the databases hold")


async def test_latency_from_commit_to_notification_is_measured(
    client: Client, running: Live
) -> None:
    product = await client.product(stock=10)
    await client.order(product["id"])
    await running.settled()
    found = await scrape(client, running.state.urls["notifications"])
    edges = {
        float(labels["le"]) for labels in found.labels("notification_event_latency_seconds_bucket")
    }
    assert edges == {*BUCKETS, float("inf")}
    assert found.value("notification_event_latency_seconds_sum", type="order.created") > 0


async def test_an_order_has_one_trace_through_all_of_it(client: Client, running: Live) -> None:
    product = await client.product()
    trace_id, request_id = "4bf92f3577b34da6a3ce929d0e0e4736", f"order-of-{product['id']}"
    answer = await client.order(
        product["id"],
        headers={
            "traceparent": f"00-{trace_id[::-1]}-00f067aa0ba902b7-01",
            "X-Request-Id": request_id,
        },
    )
    assert answer.headers["x-request-id"] == request_id
    await running.settled()

    async def traced() -> dict[str, list[str]] | None:
        found = {
            process: [
                line["message"]
                for line in running.log(process)
                if line.get("trace_id") == trace_id[::-1]
            ]
            for process in ("gateway", "create_order", "reserve_stock", "notify_order", "courier")
        }
        return found if all(found.values()) else None

    found = await until(traced, "every log has a line of the order's trace")
    assert found["gateway"][-1] == "POST /api/orders 201"
    assert found["notify_order"][-1].startswith("📧 Order created")
