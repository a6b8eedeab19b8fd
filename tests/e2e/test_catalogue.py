"""The catalogue through the gateway: pages, filters, versions."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.support.live import Client

NUMBER = 120
# What each order of the list goes by.
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "newest": lambda product: -product["id"],
    "price": lambda product: (product["price"], product["id"]),
    "-price": lambda product: (-product["price"], -product["id"]),
    "name": lambda product: product["name"],
}


@pytest.fixture
async def category(client: Client) -> str:
    """A category of its own, with 120 products; prices repeat, and every third is sold out."""
    category = f"Shelf {uuid4()}"
    made = (
        client.product(
            name=f"Thing {number:03d}",
            category=category,
            price=number % 10,
            stock=0 if number % 3 == 0 else 5,
        )
        for number in range(NUMBER)
    )
    await asyncio.gather(*made)
    return category


async def test_pages_hold_every_product_once_in_every_order(client: Client, category: str) -> None:
    for sort, rank in SORTS.items():
        path = f"/api/products?category={category.replace(' ', '%20')}&sort={sort}&limit=25"
        pages = [page async for page in client.pages(path)]
        assert [len(page) for page in pages] == [25, 25, 25, 25, 20], sort
        found = [product for page in pages for product in page]
        assert len({product["id"] for product in found}) == NUMBER
        assert [rank(product) for product in found] == sorted(map(rank, found)), sort


async def test_a_page_is_fifty_long_and_no_link_follows_the_last(
    client: Client, category: str
) -> None:
    path = f"/api/products?category={category.replace(' ', '%20')}"
    first = await client.get(path)
    assert len(first.json) == 50
    assert first.next is not None
    assert first.next.startswith("/api/products?")
    everything = await client.get(f"{path}&limit=120")
    assert (len(everything.json), everything.next) == (NUMBER, None)


async def test_filters_narrow_the_list(client: Client, category: str) -> None:
    path = f"/api/products?category={category.replace(' ', '%20')}&limit=500"
    assert len((await client.get(f"{path}&in_stock=true")).json) == NUMBER * 2 // 3
    found = (await client.get(f"{path}&q=thing%2000")).json
    assert sorted(product["name"] for product in found) == [f"Thing {n:03d}" for n in range(10)]
    assert category in {each["name"] for each in (await client.get("/api/categories")).json}


async def test_what_is_added_meanwhile_moves_nothing(client: Client, category: str) -> None:
    path = f"/api/products?category={category.replace(' ', '%20')}&limit=30"
    seen: list[int] = []
    async for page in client.pages(path):
        seen += [product["id"] for product in page]
        await client.product(name="Later", category=category)
    assert len(seen) == len(set(seen)) == NUMBER


async def test_an_unchanged_product_is_not_sent_again(client: Client) -> None:
    product = await client.product(stock=5)
    path = f"/api/products/{product['id']}"
    tag = (await client.get(path)).headers["etag"]
    assert tag == '"1.5"'
    same = await client.get(path, headers={"If-None-Match": tag})
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
    await client.order(product["id"])
    sold = await client.get(path, headers={"If-None-Match": tag})
    assert (sold.status, sold.headers["etag"]) == (200, '"1.4"')


async def test_an_edit_of_another_version_is_refused(client: Client) -> None:
    product = await client.product(stock=5)
    path = f"/api/products/{product['id']}"
    edit = {"name": "Lantern", "price": 2}
    await client.order(product["id"])
    # A sale is no other version of the catalogue's entry, and a stock-take counts what is there.
    assert (await client.put(path, edit, headers={"If-Match": '"1.5"'})).status == 200
    late = await client.put(path, edit, headers={"If-Match": '"1.5"'})
    assert (late.status, late.problem) == (412, "precondition-failed")
    counted = await client.put(path, edit | {"stock": 9}, headers={"If-Match": '"2.5"'})
    assert counted.status == 412
    counted = await client.put(path, edit | {"stock": 9}, headers={"If-Match": '"2.4"'})
    assert (counted.status, counted.json["stock"]) == (200, 9)


async def test_head_answers_as_get_without_a_body(client: Client) -> None:
    product = await client.product()
    path = f"/api/products/{product['id']}"
    shown, head = await client.get(path), await client.request("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    for name in ("etag", "content-length", "content-type"):
        assert head.headers[name] == shown.headers[name]


async def test_orders_and_notifications_page_as_well(client: Client) -> None:
    product = await client.product(stock=100)
    placed = [(await client.order(product["id"])).json["id"] for _ in range(7)]
    found: list[int] = []
    async for page in client.pages("/api/orders?limit=3"):
        found += [order["id"] for order in page]
        if len(found) >= len(placed):
            break
    assert found[:7] == placed[::-1]
    first = await client.get("/api/notifications?limit=1")
    if first.next is not None:
        second = await client.get(first.next)
        assert second.json[0]["id"] < first.json[0]["id"]
