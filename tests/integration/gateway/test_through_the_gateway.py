"""The gateway in front of the shop's own functions."""

import json
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from yarl import URL

from tests.support.functions import Host
from tests.support.shop import INVENTORY, ORDERS, Shop
from tests.support.tables import Inventory

Client = aiohttp.ClientSession


@pytest.fixture
def gateway(host: Host, shop: Shop) -> Iterator[str]:
    """The address of a gateway that knows the shop's functions."""
    addresses = {name.replace("_", "-"): shop[name].address for name in (*INVENTORY, *ORDERS)}
    function = host.serve("gateway", {"UPSTREAMS": json.dumps(addresses)})
    yield function.address
    host.stop(function)


async def test_the_first_steps_of_the_readme_work(client: Client, gateway: str) -> None:
    laptop = {"name": "Laptop", "description": "Fast", "price": 999.99, "stock": 50}
    async with client.post(gateway + "/api/products", json=laptop) as answer:
        assert (answer.status, answer.headers["Location"]) == (201, "/api/products/1")
    async with client.post(
        gateway + "/api/orders", json={"product_id": 1, "quantity": 5}
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (201, "/api/orders/1")
        assert (await answer.json())["status"] == "confirmed"
    async with client.get(gateway + "/api/orders/1") as answer:
        assert (await answer.json())["total_price"] == 4999.95
    async with client.post(gateway + "/api/orders/1/cancel") as answer:
        assert (await answer.json())["status"] == "cancelled"
    async with client.get(gateway + "/api/products/1") as answer:
        tag = answer.headers["ETag"]
        assert (tag, (await answer.json())["stock"]) == ('"1.50"', 50)
    async with client.get(gateway + "/api/products/1", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with client.put(
        gateway + "/api/products/1", json=laptop, headers={"If-Match": '"0.0"'}
    ) as answer:
        assert answer.status == 412


async def test_the_link_to_the_next_page_leads_through_the_gateway(
    client: Client, gateway: str, inventory: Inventory
) -> None:
    for n in range(5):
        inventory.add(f"Lamp {n}")
    seen, following = [], "/api/products?limit=2&q=la%6Dp"
    while following:
        async with client.get(URL(gateway + following, encoded=True)) as answer:
            seen += [product["id"] for product in await answer.json()]
            following = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")

    assert seen == [5, 4, 3, 2, 1]


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1_000):
        yield b" " * 1_000


@pytest.mark.parametrize("size", [66_000, 300_000, 1_000_000])
@pytest.mark.parametrize("declared", [True, False])
async def test_what_a_function_finds_too_long_is_413_for_the_client(
    client: Client, gateway: str, size: int, *, declared: bool
) -> None:
    for _ in range(5):
        async with client.post(
            gateway + "/api/products", data=b" " * size if declared else in_pieces(size),
            headers={"Content-Type": "application/json"},
        ) as answer:  # fmt: skip
            document = await answer.json(content_type="application/problem+json")
        assert (answer.status, document["type"]) == (413, "/problems/too-large")
