import asyncio
from typing import Any

import pytest

from shop.errors import DependencyDown
from tests.support.faults import Crash, Saboteur
from tests.support.shop import Api, Shop
from tests.support.tables import Inventory


async def test_pieces_are_added_to_the_stock(api: Api, inventory: Inventory) -> None:
    inventory.add("Lamp", stock=5)

    answer = await api.post("/products/1/stock", {"quantity": 7})

    assert (answer.status, answer.json["stock"], answer.headers["etag"]) == (200, 12, '"1.12"')
    assert inventory.ledger(1) == [("initial", 5), ("restock", 7)]
    ((name, subject, data),) = inventory.events()
    assert (name, subject) == ("product.updated", "1")
    assert (data["cause"], data["stock"], data["version"]) == ("restock", 12, 1)


async def test_the_stock_may_reach_its_bound_and_not_more(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=10**9 - 5)
    assert (await api.post("/products/1/stock", {"quantity": 5})).json["stock"] == 10**9
    before = inventory.everything()

    answer = await api.post("/products/1/stock", {"quantity": 1})

    assert answer.fields == ["quantity"]
    assert inventory.everything() == before


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["quantity"]),
        ({"quantity": 0}, ["quantity"]),
        ({"quantity": -1}, ["quantity"]),
        ({"quantity": 1.5}, ["quantity"]),
        ({"quantity": 1.0}, ["quantity"]),
        ({"quantity": 10**9 + 1}, ["quantity"]),
        ({"quantity": "1"}, ["quantity"]),
        ({"quantity": True}, ["quantity"]),
        ({"quantity": None}, ["quantity"]),
        ({"quantity": 1, "stock": 5}, ["stock"]),
    ],
)
async def test_each_field_that_does_not_hold_is_named_and_nothing_changes(
    api: Api, inventory: Inventory, body: Any, fields: list[str]
) -> None:
    inventory.add()
    before = inventory.everything()

    answer = await api.post("/products/1/stock", body)

    assert answer.fields == fields
    assert inventory.everything() == before


async def test_an_unknown_product_is_not_found(api: Api, inventory: Inventory) -> None:
    answer = await api.post("/products/1/stock", {"quantity": 1})

    assert (answer.status, answer.problem) == (404, "product-not-found")
    assert inventory.everything() == [[], [], [], []]


async def test_a_delivery_with_a_key_counts_once(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=1)

    answers = [await api.post("/products/1/stock", {"quantity": 2}, key="d-1") for _ in range(3)]

    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert inventory.stock(1) == 3


async def test_a_key_is_of_one_product(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=1)
    inventory.add(stock=1)
    await api.post("/products/1/stock", {"quantity": 2}, key="d-1")

    answer = await api.post("/products/2/stock", {"quantity": 2}, key="d-1")

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert inventory.stock(2) == 1


async def test_a_refusal_is_kept_under_its_key_too(api: Api, inventory: Inventory) -> None:
    first = await api.post("/products/1/stock", {"quantity": 2}, key="d-1")
    inventory.add()

    again = await api.post("/products/1/stock", {"quantity": 2}, key="d-1")

    assert (again.status, again.problem, again.body) == (404, "product-not-found", first.body)
    assert inventory.stock(1) == 10


@pytest.mark.parametrize("step", ["claim_key", "receive_stock", "store_key"])
@pytest.mark.parametrize("failure", [Crash(), DependencyDown()])
async def test_a_delivery_that_failed_on_its_way_counts_once_when_it_is_sent_again(
    shop: Shop, api: Api, inventory: Inventory, step: str, failure: BaseException
) -> None:
    inventory.add(stock=1)
    shop.replace("receive_stock")
    Saboteur(shop["receive_stock"]).arm("after", step, failure)

    first = await api.post("/products/1/stock", {"quantity": 2}, key="d-1")
    assert (first.status >= 500, inventory.stock(1)) == (True, 1)
    answers = [await api.post("/products/1/stock", {"quantity": 2}, key="d-1") for _ in range(2)]

    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert (inventory.stock(1), inventory.differences()) == (3, [])


async def test_deliveries_and_orders_at_once_all_count(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=20)

    answers = await asyncio.gather(
        *(api.post("/products/1/stock", {"quantity": 3}) for _ in range(15)),
        *(api.order(1) for _ in range(15)),
    )

    assert {answer.status for answer in answers} == {200, 201}
    assert inventory.stock(1) == 20 + 15 * 3 - 15
    assert inventory.differences() == []
