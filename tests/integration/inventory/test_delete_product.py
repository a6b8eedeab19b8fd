import asyncio
from uuid import uuid4

import pytest

from tests.support.shop import Api
from tests.support.tables import Inventory


async def test_a_deleted_product_is_gone_from_the_catalogue(api: Api, inventory: Inventory) -> None:
    inventory.add("Lamp")
    inventory.add("Chair")

    answer = await api.delete("/products/1")

    assert (answer.status, answer.body) == (204, b"")
    assert [product["name"] for product in (await api.get("/products")).json] == ["Chair"]


async def test_its_row_and_its_ledger_stay_and_it_is_announced(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=4)

    await api.delete("/products/1")

    assert (inventory.stock(1), inventory.ledger(1)) == (4, [("initial", 4)])
    assert inventory.events() == [("product.deleted", "1", {"product_id": 1, "product": "Lamp"})]


@pytest.mark.parametrize("id_", [1, 2, 2**63 - 1])
async def test_what_is_not_there_cannot_be_deleted(
    api: Api, inventory: Inventory, id_: int
) -> None:
    inventory.add()
    await api.delete("/products/1")
    before = inventory.everything()

    answer = await api.delete(f"/products/{id_}")

    assert (answer.status, answer.problem) == (404, "product-not-found")
    assert inventory.everything() == before


async def test_of_many_that_delete_it_one_does(api: Api, inventory: Inventory) -> None:
    inventory.add()

    answers = await asyncio.gather(*(api.delete("/products/1") for _ in range(10)))

    assert sorted(answer.status for answer in answers) == [204, *[404] * 9]
    assert len(inventory.events()) == 1


async def test_it_can_neither_be_sold_nor_edited_nor_restocked(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    await api.delete("/products/1")
    before = inventory.everything()[:2]

    answers = [
        await api.order(1),
        await api.reserve(uuid4(), [(1, 1)]),
        await api.put("/products/1", {"name": "Lamp", "price": 1}),
        await api.post("/products/1/stock", {"quantity": 1}),
    ]

    assert {(answer.status, answer.problem) for answer in answers} == {(404, "product-not-found")}
    assert inventory.everything()[:2] == before


async def test_a_release_of_its_open_orders_still_credits_it_without_telling_anybody(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    order = (await api.order(1, 3)).json
    await api.delete("/products/1")
    assert inventory.stock(1) == 2

    answer = await api.post(f"/orders/{order['id']}/cancel")

    assert (answer.status, inventory.stock(1)) == (200, 5)
    assert inventory.ledger(1) == [("initial", 5), ("sale", -3), ("release", 3)]
    assert inventory.events("product.updated") == []
