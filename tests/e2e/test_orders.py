"""Orders through the gateway: races, cancels, repetitions."""

import asyncio
from collections import Counter
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.support.live import Client, Live, until


async def test_sixty_race_for_the_last_seven_and_seven_get_one(
    client: Client, running: Live
) -> None:
    product = await client.product(stock=7)
    answers = await asyncio.gather(*(client.order(product["id"]) for _ in range(60)))
    assert Counter(answer.status for answer in answers) == {201: 7, 409: 53}
    refused = next(answer for answer in answers if answer.status == 409)
    assert refused.problem == "insufficient-stock"
    short = {name: refused.json["products"][0][name] for name in ("product_id", "available")}
    assert short["product_id"] == product["id"]
    assert 0 <= short["available"] < 7
    assert await client.stock(product["id"]) == 0
    if running.data is not None:
        with running.tables() as (inventory, _orders, _notifications):
            assert inventory.differences() == []


async def test_an_order_of_several_lines_is_all_or_nothing(client: Client) -> None:
    plenty, few = await client.product(stock=50), await client.product(stock=2)
    items = [{"product_id": plenty["id"], "quantity": 3}, {"product_id": few["id"], "quantity": 3}]
    refused = await client.post("/api/orders", {"items": items})
    assert (refused.status, refused.problem) == (409, "insufficient-stock")
    assert [p["product_id"] for p in refused.json["products"]] == [few["id"]]
    assert (await client.stock(plenty["id"]), await client.stock(few["id"])) == (50, 2)

    items[1]["quantity"] = 2
    order = await client.post("/api/orders", {"items": items})
    assert (order.status, order.json["status"]) == (201, "confirmed")
    assert (order.json["product_id"], order.json["quantity"]) == (None, None)
    assert order.json["total_price"] == 5 * Decimal("12.50")
    assert (await client.stock(plenty["id"]), await client.stock(few["id"])) == (47, 0)


async def test_a_cancel_gives_the_stock_back_once(client: Client) -> None:
    product = await client.product(stock=10)
    order = (await client.order(product["id"], 4)).json
    assert await client.stock(product["id"]) == 6

    path = f"/api/orders/{order['id']}/cancel"
    answers = await asyncio.gather(*(client.post(path) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    assert {answer.json["status"] for answer in answers} == {"cancelled"}
    assert await client.stock(product["id"]) == 10

    shown = (await client.get(f"/api/orders/{order['id']}")).json
    assert (shown["status"], shown["cancelled_by"]) == ("cancelled", "customer")
    steps = [entry["status"] for entry in shown["timeline"]]
    assert steps == ["pending", "confirmed", "cancelled", "released"]


async def test_a_refused_order_says_why_and_cannot_be_cancelled(client: Client) -> None:
    product = await client.product(stock=1)
    refused = await client.order(product["id"], 2)
    assert refused.status == 409
    path = f"/api/orders/{refused.json['order_id']}"
    shown = (await client.get(path)).json
    assert shown["status"] == "rejected"
    assert shown["rejection"]["type"] == "/problems/insufficient-stock"
    answer = await client.post(f"{path}/cancel")
    assert (answer.status, answer.problem) == (409, "order-not-cancellable")


async def test_an_order_is_where_its_answer_says(client: Client) -> None:
    product = await client.product()
    answer = await client.order(product["id"])
    assert answer.headers["location"] == f"/api/orders/{answer.json['id']}"
    shown = (await client.get(answer.headers["location"])).json
    assert {name: shown[name] for name in answer.json} == answer.json
    newest = (await client.get("/api/orders?limit=1&status=confirmed")).json
    assert newest == [answer.json]


async def test_a_key_has_one_order_and_one_answer(client: Client) -> None:
    product = await client.product(stock=10)
    key = str(uuid4())
    answers = await asyncio.gather(*(client.order(product["id"], 2, key=key) for _ in range(12)))
    answers.append(await client.order(product["id"], 2, key=key))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await client.stock(product["id"]) == 8

    other = await client.order(product["id"], 3, key=key)
    assert (other.status, other.problem) == (422, "idempotency-key-reused")
    assert await client.stock(product["id"]) == 8


async def test_a_refusal_is_repeated_too(client: Client) -> None:
    product = await client.product(stock=1)
    key = str(uuid4())
    first = await client.order(product["id"], 2, key=key)
    assert first.status == 409
    await client.post(f"/api/products/{product['id']}/stock", {"quantity": 10})
    again = await client.order(product["id"], 2, key=key)
    assert (again.status, again.body) == (409, first.body)
    assert await client.stock(product["id"]) == 11


@pytest.mark.parametrize("what", ["product", "delivery", "cancel"])
async def test_every_other_post_has_its_effect_once_a_key(client: Client, what: str) -> None:
    product = await client.product(name=str(uuid4()), stock=5)
    order = (await client.order(product["id"])).json
    path, body = {
        "product": ("/api/products", {"name": product["name"], "price": 1, "stock": 1}),
        "delivery": (f"/api/products/{product['id']}/stock", {"quantity": 7}),
        "cancel": (f"/api/orders/{order['id']}/cancel", None),
    }[what]
    key = str(uuid4())
    answers = await asyncio.gather(*(client.post(path, body, key=key) for _ in range(8)))
    assert len({(answer.status, answer.body) for answer in answers}) == 1
    assert answers[0].status in (200, 201)
    if what == "product":
        listed = (await client.get(f"/api/products?q={product['name']}")).json
        assert len(listed) == 2
    else:
        expected = 4 + (7 if what == "delivery" else 1)
        assert await client.stock(product["id"]) == expected


async def test_a_deleted_product_cannot_be_ordered_and_takes_back_what_was(
    client: Client, running: Live
) -> None:
    product = await client.product(stock=5)
    path = f"/api/products/{product['id']}"
    order = (await client.order(product["id"], 2)).json
    assert (await client.delete(path)).status == 204
    assert (await client.get(path)).status == 404
    refused = await client.order(product["id"])
    assert (refused.status, refused.problem) == (404, "product-not-found")
    assert (await client.post(f"/api/orders/{order['id']}/cancel")).status == 200
    if running.data is not None:
        with running.tables() as (inventory, _orders, _notifications):
            assert inventory.stock(product["id"]) == 5


async def test_a_threshold_is_told_of_once_a_crossing(client: Client) -> None:
    product = await client.product(stock=6, low_stock_threshold=4, name=str(uuid4()))
    for _ in range(4):
        assert (await client.order(product["id"])).status == 201
    await client.post(f"/api/products/{product['id']}/stock", {"quantity": 4})
    for _ in range(3):
        assert (await client.order(product["id"])).status == 201

    async def told() -> list[str] | None:
        found = (await client.get("/api/notifications?type=product.stock_low&limit=500")).json
        mine = [each["message"] for each in found if product["name"] in each["message"]]
        return mine if len(mine) >= 2 else None

    assert len(await until(told, "both crossings are told of")) == 2
