import asyncio
import json
import re
import sys
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from tests.support.faults import Forward, Gate
from tests.support.shop import Api, Shop
from tests.support.tables import Inventory, Orders


async def test_an_order_of_one_product_is_confirmed(api: Api, inventory: Inventory) -> None:
    inventory.add("Laptop", stock=50, price="999.99")

    answer = await api.post("/orders", {"product_id": 1, "quantity": 5})

    order = answer.json
    assert answer.status == 201
    assert answer.headers["location"] == "/orders/1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", order.pop("created_at"))
    assert order == {
        "id": 1, "product_id": 1, "quantity": 5, "status": "confirmed",
        "items": [
            {"product_id": 1, "name": "Laptop", "quantity": 5, "unit_price": Decimal("999.99")}
        ],
        "total_price": Decimal("4999.95"),
    }  # fmt: skip
    assert inventory.stock(1) == 45


async def test_an_order_of_several_lines_is_confirmed_as_one(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=5, price="10.00")
    inventory.add("Chair", stock=5, price="0.01")
    items = [{"product_id": 2, "quantity": 1}, {"product_id": 1, "quantity": 2}]

    order = (await api.post("/orders", {"items": items})).json

    assert (order["status"], order["total_price"]) == ("confirmed", Decimal("20.01"))
    assert (order["product_id"], order["quantity"]) == (None, None)
    assert [(item["name"], item["quantity"]) for item in order["items"]] == [
        ("Lamp", 2), ("Chair", 1),
    ]  # fmt: skip
    assert (inventory.stock(1), inventory.stock(2)) == (3, 4)


async def test_lines_of_one_product_become_one(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)
    items = [{"product_id": 1, "quantity": 1}, {"product_id": 1, "quantity": 2}]

    order = (await api.post("/orders", {"items": items})).json

    assert (order["product_id"], order["quantity"], len(order["items"])) == (1, 3, 1)


async def test_a_hundred_lines_are_an_order(api: Api, inventory: Inventory) -> None:
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT 'x' || n, 0.01, 5"
        " FROM generate_series(1, 100) n"
    )
    items = [{"product_id": n, "quantity": 1} for n in range(100, 0, -1)]

    answer = await api.post("/orders", {"items": items})

    assert (answer.status, answer.json["total_price"]) == (201, Decimal("1.00"))
    assert inventory.value("SELECT sum(stock) FROM products") == 400


@pytest.mark.parametrize(
    ("prices", "quantities", "total"),
    [
        (["0.10", "0.20"], [1, 1], "0.30"),
        (["0.10"], [3], "0.30"),
        (["1.10", "2.20"], [1, 1], "3.30"),
        (["19.99"], [3], "59.97"),
        (["0.07", "0.01"], [100, 3], "7.03"),
        (["1.15"], [100], "115.00"),
        (["9007199254.93"], [1], None),
        (["999999999.99", "0.09"], [10, 1], "9999999999.99"),
        (["0.00"], [1_000_000], "0.00"),
        (["9999.99"], [1_000_000], "9999990000.00"),
    ],
)
async def test_totals_are_exact(
    api: Api, inventory: Inventory, prices: list[str], quantities: list[int], total: str | None
) -> None:
    for price in prices:
        inventory.add(stock=1_000_000, price=price if total else "900719925.93")
    items = [{"product_id": n, "quantity": q} for n, q in enumerate(quantities, 1)]

    answer = await api.post("/orders", {"items": items})

    assert f'"total_price":{total or "900719925.93"},'.encode() in answer.body
    assert (await api.get("/orders/1")).json["total_price"] == answer.json["total_price"]


async def test_a_total_beyond_its_bound_is_refused_and_nothing_is_taken(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add("a", stock=10, price="999999999.99")
    inventory.add("b", stock=10, price="0.10")
    items = [{"product_id": 1, "quantity": 10}, {"product_id": 2, "quantity": 1}]

    answer = await api.post("/orders", {"items": items})

    assert answer.fields == ["items"]
    assert (inventory.stock(1), inventory.stock(2)) == (10, 10)
    assert orders.statuses() == {"rejected": 1}


async def test_a_confirmed_order_is_announced(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add("Lamp", price="1.50")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    order = (await api.order(1, 2, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})).json

    assert orders.events() == [
        ("order.created", "1", {
            "order_id": 1, "total_price": 3.0, "created_at": order["created_at"],
            "items": [{"product_id": 1, "name": "Lamp", "quantity": 2, "unit_price": 1.5}],
        })
    ]  # fmt: skip
    assert orders.value("SELECT traceparent FROM outbox").startswith(f"00-{trace}-")


async def test_too_little_stock_is_409_and_names_what_is_available(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add("Lamp", stock=3)

    answer = await api.order(1, 5)

    assert (answer.status, answer.problem) == (409, "insufficient-stock")
    assert answer.json["products"] == [
        {"product_id": 1, "name": "Lamp", "requested": 5, "available": 3}
    ]
    assert answer.json["order_id"] == 1
    assert "Lamp" in answer.json["detail"]
    assert (inventory.stock(1), orders.statuses()) == (3, {"rejected": 1})
    ((name, _, data),) = orders.events()
    assert (name, data["reason"]) == ("order.rejected", "insufficient-stock")
    assert data["items"] == [{"product_id": 1, "quantity": 5}]


@pytest.mark.parametrize("product_id", [2, 2**63 - 1])
async def test_an_unknown_product_is_404(
    api: Api, inventory: Inventory, orders: Orders, product_id: int
) -> None:
    inventory.add(stock=3)
    items = [{"product_id": 1, "quantity": 1}, {"product_id": product_id, "quantity": 1}]

    answer = await api.post("/orders", {"items": items})

    assert (answer.status, answer.problem) == (404, "product-not-found")
    assert answer.json["product_ids"] == [product_id]
    assert (inventory.stock(1), orders.statuses()) == (3, {"rejected": 1})


ONE = {"product_id": 1, "quantity": 1}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["product_id", "quantity"]),
        ({"product_id": 1}, ["quantity"]),
        (ONE | {"quantity": 0}, ["quantity"]),
        (ONE | {"quantity": -1}, ["quantity"]),
        (ONE | {"quantity": 1.5}, ["quantity"]),
        (ONE | {"quantity": 1.0}, ["quantity"]),
        (ONE | {"quantity": 1_000_001}, ["quantity"]),
        (ONE | {"quantity": 2**64}, ["quantity"]),
        (ONE | {"quantity": "1"}, ["quantity"]),
        (ONE | {"quantity": True}, ["quantity"]),
        (ONE | {"quantity": None}, ["quantity"]),
        (ONE | {"quantity": []}, ["quantity"]),
        (ONE | {"product_id": 0}, ["product_id"]),
        (ONE | {"product_id": -1}, ["product_id"]),
        (ONE | {"product_id": 2**63}, ["product_id"]),
        (ONE | {"product_id": "1"}, ["product_id"]),
        (ONE | {"price": 0.01}, ["price"]),
        (ONE | {"status": "confirmed", "total_price": 1}, ["status", "total_price"]),
        ({"items": []}, ["items"]),
        ({"items": [ONE] * 101}, ["items"]),
        ({"items": None}, ["items"]),
        ({"items": {}}, ["items"]),
        ({"items": [5]}, ["items.0"]),
        ({"items": [ONE, ONE | {"quantity": 0}]}, ["items.1.quantity"]),
        ({"items": [{}]}, ["items.0.product_id", "items.0.quantity"]),
        ({"items": [ONE | {"unit_price": 1}]}, ["items.0.unit_price"]),
        ({"items": [ONE], "product_id": 1}, ["product_id"]),
        ({"items": [ONE], "note": "\x00"}, ["note"]),
        ([ONE], ["body"]),
        ("order", ["body"]),
        (None, ["body"]),
    ],
)
async def test_each_field_that_does_not_hold_is_named_and_nothing_changes(
    api: Api, inventory: Inventory, orders: Orders, body: Any, fields: list[str]
) -> None:
    inventory.add(stock=5)
    before = inventory.everything()

    answer = await api.post("/orders", json.dumps(body).encode(), key="k")

    assert answer.fields == fields
    assert (orders.everything(), inventory.everything()) == ([[], []], before)
    assert (await api.order(1, key="k")).status == 201


@pytest.mark.parametrize("body", [b"", b"{", b'{"product_id": 1, "quantity": NaN}', b"\xff"])
async def test_what_is_no_json_is_a_bad_request_and_nothing_changes(
    api: Api, orders: Orders, body: bytes
) -> None:
    answer = await api.post("/orders", body)

    assert (answer.status, answer.problem) == (400, "bad-request")
    assert orders.everything() == [[], []]


async def test_a_huge_body_is_refused(api: Api, orders: Orders) -> None:
    answer = await api.post("/orders", b'{"items": [' + b" " * 70_000 + b"]}")

    assert (answer.status, answer.problem) == (413, "too-large")
    assert orders.everything() == [[], []]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_another_method_is_refused(api: Api, orders: Orders, method: str) -> None:
    answer = await api.send(method, api.shop["create_order"].address + "/orders", body=ONE)

    assert (answer.status, answer.problem, answer.headers["allow"]) == (
        405, "method-not-allowed", "POST",
    )  # fmt: skip
    assert orders.everything() == [[], []]


async def test_the_same_key_and_body_get_the_first_answer_again(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    first = await api.order(1, key="k")
    await api.post("/orders/1/cancel")

    again = await api.order(1, key="k")

    assert (again.status, again.body) == (201, first.body)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert orders.statuses() == {"cancelled": 1}


async def test_the_same_key_with_another_body_is_refused(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    await api.order(1, key="k")

    answer = await api.order(1, 2, key="k")

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert (inventory.stock(1), orders.statuses()) == (4, {"confirmed": 1})


async def test_a_key_belongs_to_its_account(guarded: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)

    answers = [await guarded.order(1, key="k", account=who) for who in ("ada", "bob", "ada")]

    assert [answer.json["id"] for answer in answers] == [1, 2, 1]
    assert inventory.stock(1) == 3


async def test_a_refusal_is_kept_under_its_key(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add("Lamp", stock=0)
    first = await api.order(1, key="k")
    await api.post("/products/1/stock", {"quantity": 5})

    again = await api.order(1, key="k")

    assert (again.status, again.body, again.problem) == (409, first.body, "insufficient-stock")
    assert (inventory.stock(1), orders.statuses()) == (5, {"rejected": 1})


@pytest.mark.parametrize("stock", [5, 0])
async def test_duplicates_at_once_are_one_order_with_one_answer(
    api: Api, inventory: Inventory, orders: Orders, stock: int
) -> None:
    inventory.add(stock=stock)

    answers = await asyncio.gather(*(api.order(1, 2, key="k") for _ in range(20)))

    assert {(a.status, a.body) for a in answers} == {(201 if stock else 409, answers[0].body)}
    assert sum(orders.statuses().values()) == 1
    assert inventory.stock(1) == (3 if stock else 0)
    assert len(orders.events()) == 1


async def test_a_key_is_forgotten_after_24_hours(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    await api.order(1, key="k")
    orders.run("UPDATE idempotency_keys SET created_at = now() - interval '24 h 1 s'")

    answers = [await api.order(1, 2, key="k") for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json["id"] == answers[1].json["id"] != 1
    assert inventory.stock(1) == 2


async def test_a_forgotten_key_is_renewed_by_one_of_many(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    await api.order(1, key="k")
    orders.run("UPDATE idempotency_keys SET created_at = now() - interval '25 h'")

    answers = await asyncio.gather(*(api.order(1, key="k") for _ in range(10)))

    assert {answer.status for answer in answers} == {201}
    assert {answer.json["id"] for answer in answers} == {max(a.json["id"] for a in answers)}
    assert (inventory.stock(1), orders.statuses()) == (3, {"confirmed": 2})


async def test_50_orders_for_the_last_7_pieces_sell_7(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=7)

    answers = await asyncio.gather(*(api.order(1) for _ in range(50)))

    assert sorted(answer.status for answer in answers) == [201] * 7 + [409] * 43
    assert orders.statuses() == {"confirmed": 7, "rejected": 43}
    assert (inventory.stock(1), inventory.differences()) == (0, [])


async def test_orders_of_several_products_at_once_sell_all_or_nothing_each(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    for n in range(4):
        inventory.add(f"Product {n}", stock=15)
    lines = [[1, 2, 3], [3, 2, 1], [4, 1], [2, 4], [4, 3, 2, 1]]

    answers = await asyncio.gather(
        *(
            api.post("/orders", {"items": [{"product_id": p, "quantity": 1} for p in lines[n % 5]]})
            for n in range(40)
        )
    )

    assert {answer.status for answer in answers} == {201, 409}
    sold = "SELECT item->>'product_id', sum((item->>'quantity')::int) FROM orders,"
    sold += " json_array_elements(items) item WHERE status = 'confirmed' GROUP BY 1"
    by_product = {int(product_id): int(pieces) for product_id, pieces in orders.rows(sold)}
    for product_id in range(1, 5):
        assert inventory.stock(product_id) == 15 - by_product.get(product_id, 0)
    assert inventory.differences() == []


async def _unavailable(_: Forward) -> web.Response:
    return web.Response(status=503, text="no healthy upstream")


async def _no_route(_: Forward) -> web.Response:
    return web.Response(status=404, text="404 page not found")


async def _failing(_: Forward) -> web.Response:
    return web.Response(status=500, text="Traceback (most recent call last)")


async def _breaking_off(_: Forward) -> web.Response:
    raise ConnectionResetError


async def _hanging(_: Forward) -> web.Response:
    await asyncio.sleep(3)
    return web.Response()


FAILURES = [_unavailable, _no_route, _failing, _breaking_off, _hanging]


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_inventory_that_is_down_is_503_and_the_same_key_goes_on_later(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, reserve_gate: Gate,
    failure: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    inventory.add(stock=5)
    shop.replace("create_order", RESERVE_STOCK_URL=reserve_gate.address)
    monkeypatch.setattr(sys.modules["create_order"], "RESERVE_SECONDS", 0.3)
    forward, reserve_gate.script = reserve_gate.script, failure

    answer = await api.order(1, key="k")

    assert (answer.status, answer.problem) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert b"Traceback" not in answer.body
    assert (orders.statuses(), orders.events()) == ({"pending": 1}, [])

    reserve_gate.script = forward
    again = await api.order(1, key="k")

    assert (again.status, again.json["id"], again.json["status"]) == (201, 1, "confirmed")
    assert inventory.stock(1) == 4


async def test_an_inventory_that_nobody_listens_for_is_503(
    shop: Shop, api: Api, orders: Orders
) -> None:
    shop.replace("create_order", RESERVE_STOCK_URL="http://127.0.0.1:1")

    answer = await api.order(1)

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert orders.statuses() == {"pending": 1}


async def test_a_database_that_is_down_is_503_and_nothing_internal_is_told(
    shop: Shop, api: Api
) -> None:
    url = shop.settings_of("create_order")["DATABASE_URL"]
    shop.replace("create_order", DATABASE_URL=url.rpartition(":")[0] + ":1/orders")

    answer = await api.order(1, key="k")

    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (
        503, "unavailable", "1",
    )  # fmt: skip
    assert not re.search(rb"psycopg|127\.0\.0\.1|SQL|Traceback", answer.body)


async def test_an_order_whose_key_was_settled_as_cancelled_is_409(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, reserve_gate: Gate
) -> None:
    inventory.add(stock=5)
    shop.replace("create_order", RESERVE_STOCK_URL=reserve_gate.address)
    forward, reserve_gate.script = reserve_gate.script, _unavailable
    await api.order(1, key="k")
    orders.age(31)
    await api.settle()
    reserve_gate.script = forward

    for _ in range(2):
        answer = await api.order(1, key="k")
        assert (answer.status, answer.problem) == (409, "order-cancelled")
        assert answer.json["order_id"] == 1
    assert (orders.statuses(), inventory.stock(1)) == ({"cancelled": 1}, 5)
