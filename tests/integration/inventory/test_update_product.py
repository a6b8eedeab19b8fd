import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.support.shop import Api
from tests.support.tables import Inventory

EDIT = {"name": "Lamp", "price": 949.99}


async def test_an_edit_is_seen_and_announced_and_leaves_the_stock_alone(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lump", stock=5, price="999.99", category="Light")

    answer = await api.put("/products/1", EDIT | {"description": "Bright"})

    product = answer.json
    assert answer.status == 200
    assert (product["name"], product["price"]) == ("Lamp", Decimal("949.99"))
    assert (product["description"], product["stock"]) == ("Bright", 5)
    assert product["updated_at"] > product["created_at"]
    assert answer.headers["etag"] == '"2.5"'
    assert inventory.ledger(1) == [("initial", 5)]
    assert inventory.events() == [
        ("product.updated", "1", {
            "product_id": 1, "product": "Lamp", "price": 949.99, "stock": 5, "version": 2,
            "cause": "edit",
        }),
    ]  # fmt: skip


async def test_what_is_left_out_keeps_its_value(api: Api) -> None:
    body = EDIT | {
        "description": "Bright", "stock": 5, "category": "Light", "image_url": "/lamp.svg",
        "low_stock_threshold": 2,
    }  # fmt: skip
    before = (await api.post("/products", body)).json

    after = (await api.put("/products/1", EDIT)).json

    assert after | {"updated_at": None} == before | {"updated_at": None}


async def test_null_takes_a_category_and_a_picture_away(api: Api) -> None:
    await api.post("/products", EDIT | {"category": "Light", "image_url": "/lamp.svg"})

    after = (await api.put("/products/1", EDIT | {"category": None, "image_url": None})).json

    assert (after["category"], after["image_url"]) == (None, None)


@pytest.mark.parametrize(("count", "difference"), [(50, 40), (3, -7), (0, -10)])
async def test_with_stock_it_is_a_stock_take_and_the_ledger_gets_the_difference(
    api: Api, inventory: Inventory, count: int, difference: int
) -> None:
    inventory.add(stock=10)

    answer = await api.put("/products/1", EDIT | {"stock": count})

    assert answer.json["stock"] == count
    assert inventory.ledger(1) == [("initial", 10), ("stock_take", difference)]


async def test_a_stock_take_that_finds_what_it_should_is_no_movement(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=10)

    await api.put("/products/1", EDIT | {"stock": 10})

    assert inventory.ledger(1) == [("initial", 10)]


async def test_a_stock_take_that_crosses_the_threshold_says_so_once(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=11, threshold=10)

    for count in (10, 9, 11, 3):
        await api.put("/products/1", EDIT | {"stock": count})

    assert [data["stock"] for _, _, data in inventory.events("product.stock_low")] == [10, 3]


@pytest.mark.parametrize("tag", ['"1.10"', '"1.3"', "*", ' "1.10" '])
async def test_an_edit_without_stock_compares_the_version_only(
    api: Api, inventory: Inventory, tag: str
) -> None:
    inventory.add(stock=10)

    answer = await api.put("/products/1", EDIT, headers={"If-Match": tag})

    assert (answer.status, answer.headers["etag"]) == (200, '"2.10"')


@pytest.mark.parametrize("tag", ['"2.10"', '"0.10"', 'W/"1.10"', '"x"', '""', f'"{10**17}.10"'])
@pytest.mark.parametrize("further", [{}, {"stock": 4}])
async def test_an_edit_of_another_version_fails_and_changes_nothing(
    api: Api, inventory: Inventory, tag: str, further: dict[str, int]
) -> None:
    inventory.add(stock=10)
    before = inventory.everything()

    answer = await api.put("/products/1", EDIT | further, headers={"If-Match": tag})

    assert (answer.status, answer.problem) == (412, "precondition-failed")
    assert inventory.everything() == before


async def test_a_stock_take_compares_the_stock_as_well(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=10)
    tag = (await api.get("/products/1")).headers["etag"]
    await api.order(1)
    before = inventory.everything()

    late = await api.put("/products/1", EDIT | {"stock": 12}, headers={"If-Match": tag})
    assert (late.status, inventory.everything()) == (412, before)

    again = await api.put("/products/1", EDIT | {"stock": 12}, headers={"If-Match": '"1.9"'})
    assert (again.status, inventory.stock(1)) == (200, 12)


@pytest.mark.parametrize("tag", ["1.10", '"1.10', '"1.10", "1.11"', "", "x"])
async def test_what_is_not_one_entity_tag_is_a_bad_request(
    api: Api, inventory: Inventory, tag: str
) -> None:
    inventory.add(stock=10)
    before = inventory.everything()

    answer = await api.put("/products/1", EDIT, headers={"If-Match": tag})

    assert (answer.status, inventory.everything()) == (400, before)


async def test_of_editors_that_saw_the_same_version_one_succeeds(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=10)

    answers = await asyncio.gather(
        *(
            api.put("/products/1", EDIT | {"name": f"Lamp {n}"}, headers={"If-Match": '"1.10"'})
            for n in range(10)
        )
    )

    assert sorted(answer.status for answer in answers) == [200, *[412] * 9]
    assert inventory.row("SELECT version, stock FROM products") == (2, 10)


async def test_stock_takes_amid_orders_keep_the_ledger_right(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=100)

    answers = await asyncio.gather(
        *(
            api.order(1) if n % 3 else api.put("/products/1", EDIT | {"stock": 100 + n})
            for n in range(45)
        )
    )

    assert {answer.status for answer in answers} == {200, 201}
    assert inventory.differences() == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name", "price"]),
        ({"name": "Lamp"}, ["price"]),
        (EDIT | {"name": ""}, ["name"]),
        (EDIT | {"price": 1.001}, ["price"]),
        (EDIT | {"price": -1}, ["price"]),
        (EDIT | {"stock": -1}, ["stock"]),
        (EDIT | {"stock": 10**9 + 1}, ["stock"]),
        (EDIT | {"stock": None}, ["stock"]),
        (EDIT | {"stock": 1.5}, ["stock"]),
        (EDIT | {"description": None}, ["description"]),
        (EDIT | {"low_stock_threshold": None}, ["low_stock_threshold"]),
        (EDIT | {"version": 3}, ["version"]),
        (EDIT | {"id": 1, "created_at": "2026-01-01"}, ["id", "created_at"]),
        (EDIT | {"category": "a\x00"}, ["category"]),
    ],
)
async def test_each_field_that_does_not_hold_is_named_and_nothing_changes(
    api: Api, inventory: Inventory, body: Any, fields: list[str]
) -> None:
    inventory.add(stock=10)
    before = inventory.everything()

    answer = await api.put("/products/1", body)

    assert sorted(answer.fields) == sorted(fields)
    assert inventory.everything() == before


async def test_an_unknown_product_is_not_found(api: Api) -> None:
    answer = await api.put("/products/1", EDIT, headers={"If-Match": '"1.1"'})

    assert (answer.status, answer.problem) == (404, "product-not-found")
