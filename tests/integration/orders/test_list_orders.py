import asyncio

import pytest

from tests.support.shop import Api
from tests.support.tables import Inventory, Orders


def fill(orders: Orders, count: int, account: str = "") -> None:
    orders.run(
        "INSERT INTO orders (reservation_id, account, items) SELECT gen_random_uuid(), %s,"
        """ '[{"product_id": 1, "quantity": 1}]' FROM generate_series(1, %s)""",
        account, count,
    )  # fmt: skip


async def test_no_orders_are_an_empty_array(api: Api) -> None:
    answer = await api.get("/orders")

    assert (answer.status, answer.body, answer.next) == (200, b"[]", None)


async def test_orders_are_shown_as_they_were_answered_newest_first(
    api: Api, inventory: Inventory
) -> None:
    inventory.add()
    created = [(await api.order(1, n)).json for n in (1, 2, 3)]

    assert (await api.get("/orders")).json == created[::-1]


async def test_orders_are_their_accounts_own(guarded: Api, orders: Orders) -> None:
    fill(orders, 2, "ada")
    fill(orders, 3, "bob")

    assert len((await guarded.get("/orders", account="ada")).json) == 2
    assert len((await guarded.get("/orders", account="bob")).json) == 3
    assert (await guarded.get("/orders", account="eve")).json == []


async def test_an_admin_sees_everybodys_orders_page_by_page(guarded: Api, orders: Orders) -> None:
    fill(orders, 2, "ada")
    fill(orders, 3, "bob")

    first = await guarded.get("/orders?limit=3&status=pending", account="root", role="admin")
    assert first.next is not None
    second = await guarded.get(first.next, account="root", role="admin")

    assert [order["id"] for order in first.json + second.json] == [5, 4, 3, 2, 1]


async def test_without_authentication_everybody_sees_every_order(api: Api, orders: Orders) -> None:
    fill(orders, 1, "ada")
    fill(orders, 1)

    assert [order["id"] for order in (await api.get("/orders")).json] == [2, 1]


async def test_they_can_be_filtered_by_status(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=2)
    for quantity in (1, 5, 1):
        await api.order(1, quantity)
    await api.post("/orders/1/cancel")

    found = {
        status: [order["id"] for order in (await api.get(f"/orders?status={status}")).json]
        for status in ("pending", "confirmed", "rejected", "cancelled")
    }

    assert found == {"pending": [], "confirmed": [3], "rejected": [2], "cancelled": [1]}


@pytest.mark.parametrize("status", ["", "&status=pending"])
async def test_pages_at_any_depth_have_each_order_once(
    api: Api, orders: Orders, status: str
) -> None:
    fill(orders, 120)

    pages = await api.pages(f"/orders?limit=11{status}")

    assert [order["id"] for page in pages for order in page] == list(range(120, 0, -1))


async def test_orders_that_come_meanwhile_neither_hide_nor_repeat_others(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=1000)
    fill(orders, 60)
    seen: list[int] = []
    following: str | None = "/orders?limit=7"
    while following is not None:
        page, *_ = await asyncio.gather(api.get(following), *(api.order(1) for _ in range(3)))
        seen += [order["id"] for order in page.json]
        following = page.next

    assert len(seen) == len(set(seen))
    assert set(range(1, 61)) <= set(seen)


async def test_a_page_has_50_orders_unless_limit_says_otherwise(api: Api, orders: Orders) -> None:
    fill(orders, 501)

    for query, count in (("", 50), ("?limit=1", 1), ("?limit=500", 500)):
        answer = await api.get(f"/orders{query}")
        assert (len(answer.json), answer.next is None) == (count, False)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=501", "limit"), ("status=lost", "status"),
        ("status=", "status"), ("after=x", "after"), ("after=WyJhIl0", "after"),
        ("account=ada", "account"), ("limit=1&limit=1", "limit"),
    ],
)  # fmt: skip
async def test_each_parameter_that_does_not_hold_is_named(api: Api, query: str, field: str) -> None:
    assert (await api.get(f"/orders?{query}")).fields == [field]
