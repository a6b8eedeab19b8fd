"""The first steps that the documentation shows, line by line, on a shop that is empty."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.curl import commands, curl
from tests.support.live import Client, Live, until
from tests.support.shop import Answer

_JSON = '-H "Content-Type: application/json"'
_LAPTOP = '"name": "Laptop", "description": "High-performance laptop"'
LINES = {
    "health": "curl http://localhost:8080/health",
    "create": "curl -X POST http://localhost:8080/api/products "
    f"""{_JSON} -d '{{{_LAPTOP}, "price": 999.99, "stock": 50}}'""",
    "products": "curl http://localhost:8080/api/products",
    "order": "curl -X POST http://localhost:8080/api/orders "
    f"""{_JSON} -d '{{"product_id": 1, "quantity": 5}}'""",
    "orders": "curl http://localhost:8080/api/orders",
    "many": "for i in {1..38}; do curl -X POST http://localhost:8080/api/orders "
    f"""{_JSON} -d '{{"product_id": 1, "quantity": 1}}'; done""",
    "update": "curl -X PUT http://localhost:8080/api/products/1 "
    f"""{_JSON} -d '{{{_LAPTOP}, "price": 949.99, "stock": 50}}'""",
    "areas": "curl http://localhost:8081/products; curl http://localhost:8082/health; "
    "curl http://localhost:8083/metrics",
}
TOLD = {
    "📦 New product added": 1,
    "📧 Order created": 39,
    "⚠️ Low stock": 1,
    "🔄 Product updated": 1,
}

Tour = dict[str, list[Answer]]


@pytest.fixture(scope="module")
def tour(running: Live) -> Tour:
    """The answers to every line, once its events have been told of."""
    offset = int(running.environment()["SHOP_PORT_OFFSET"])

    async def walk() -> Tour:
        await running.emptied()
        client = Client(running.url)
        try:
            answers = {
                name: [await curl(client, command, offset) for command in commands(line)]
                for name, line in LINES.items()
            }
        finally:
            await client.close()
        await running.settled()
        return answers

    return asyncio.run(walk())


def only(answers: list[Answer]) -> Any:
    """The document of the one answer."""
    (answer,) = answers
    return answer.json


def test_every_line_is_answered_well(tour: Tour) -> None:
    statuses = {name: {answer.status for answer in answers} for name, answers in tour.items()}
    created = {"create", "order", "many"}
    assert statuses == {name: {201} if name in created else {200} for name in LINES}
    assert len(tour["many"]) == 38


def test_the_shop_is_well(tour: Tour) -> None:
    assert only(tour["health"])["status"] == "ok"


def test_the_product_is_number_one_and_listed(tour: Tour) -> None:
    created = only(tour["create"])
    assert created["id"] == 1
    assert (created["name"], created["price"], created["stock"]) == (
        "Laptop",
        Decimal("999.99"),
        50,
    )
    assert created["description"] == "High-performance laptop"
    assert created["created_at"].endswith("Z")
    assert only(tour["products"]) == [created]


def test_the_order_is_confirmed_and_priced(tour: Tour) -> None:
    order = only(tour["order"])
    assert {name: order[name] for name in ("id", "product_id", "quantity", "status")} == {
        "id": 1, "product_id": 1, "quantity": 5, "status": "confirmed",
    }  # fmt: skip
    assert order["total_price"] == Decimal("4999.95")
    assert order["created_at"].endswith("Z")
    assert only(tour["orders"]) == [order]


def test_further_orders_are_confirmed_one_after_another(tour: Tour) -> None:
    orders = [answer.json for answer in tour["many"]]
    assert [order["id"] for order in orders] == list(range(2, 40))
    assert {order["status"] for order in orders} == {"confirmed"}
    assert {order["total_price"] for order in orders} == {Decimal("999.99")}


def test_the_update_sets_price_and_stock(tour: Tour) -> None:
    updated = only(tour["update"])
    assert (updated["id"], updated["price"], updated["stock"]) == (1, Decimal("949.99"), 50)
    assert updated["updated_at"] > updated["created_at"]


def test_the_areas_answer_on_ports_of_their_own(tour: Tour) -> None:
    products, health, metrics = tour["areas"]
    assert [product["price"] for product in products.json] == [Decimal("949.99")]
    assert health.json["status"] == "ok"
    assert b"notification_notifications_sent_total" in metrics.body


@pytest.mark.usefixtures("tour")
async def test_each_change_is_told_of_once_and_delivered(client: Client) -> None:
    async def delivered() -> list[Any] | None:
        found: list[Any] = (await client.get("/api/notifications?limit=500")).json
        return found if all(each["delivered_at"] for each in found) else None

    found = await until(delivered, "every notification is delivered")
    assert Counter(each["title"] for each in found) == TOLD
    messages = {each["title"]: each["message"] for each in found}
    assert "Laptop" in messages["📦 New product added"]
    assert "949.99" in messages["🔄 Product updated"]


@pytest.mark.usefixtures("tour")
async def test_the_notifiers_logs_show_them(client: Client, running: Live) -> None:
    found = (await client.get("/api/notifications?limit=500")).json
    events = {each["event_id"] for each in found}
    lines = [
        line["message"]
        for process in ("notify_inventory", "notify_order")
        for line in running.log(process)
        if line.get("event_id") in events
    ]
    shown = Counter(next(t for t in TOLD if line.startswith(t)) for line in lines)
    assert shown == TOLD
    # The courier's default channel is its log.
    delivered = {line["message"] for line in running.log("courier") if "notification" in line}
    assert delivered >= {f"{each['title']}: {each['message']}" for each in found}
