"""Bad input gets a clear error that names the field, and changes nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.live import Client, Live

PRODUCT = {"name": "Kettle", "price": 35.5, "stock": 3}
LINE = {"product_id": 1, "quantity": 1}


def product(**members: Any) -> str:
    return json.dumps({**PRODUCT, **members})


def order(**members: Any) -> str:
    return json.dumps({**LINE, **members})


def lines(number: int) -> str:
    return json.dumps({"items": [LINE] * number})


# What is wrong: (path, body, status, the field that is named).
BODIES: dict[str, tuple[str, str, int, str | None]] = {
    "broken JSON": ("/api/products", '{"name": ', 400, None),
    "no JSON at all": ("/api/orders", "product_id=1", 400, None),
    "nothing": ("/api/orders", "", 400, None),
    "a list": ("/api/products", "[]", 422, "body"),
    "an unknown field": ("/api/products", product(colour="red"), 422, "colour"),
    "a missing field": ("/api/products", '{"name": "Kettle"}', 422, "price"),
    "text for a number": ("/api/products", product(stock="3"), 422, "stock"),
    "a number for a text": ("/api/products", product(name=3), 422, "name"),
    "a price with three decimals": ("/api/products", product(price=1.005), 422, "price"),
    "a negative price": ("/api/products", product(price=-1), 422, "price"),
    "a price that is no number": ("/api/products", '{"name": "K", "price": NaN}', 400, None),
    "an infinite price": ("/api/products", '{"name": "K", "price": 1e999}', 422, "price"),
    "a price beyond 10^9": ("/api/products", product(price=1_000_000_000.01), 422, "price"),
    "a negative stock": ("/api/products", product(stock=-1), 422, "stock"),
    "a stock beyond 10^9": ("/api/products", product(stock=1_000_000_001), 422, "stock"),
    "an empty name": ("/api/products", product(name=""), 422, "name"),
    "a blank name": ("/api/products", product(name="  "), 422, "name"),
    "a name of 201 characters": ("/api/products", product(name="n" * 201), 422, "name"),
    "a NUL in a name": ("/api/products", product(name="Ket\0tle"), 422, "name"),
    "a NUL in a description": ("/api/products", product(description="\0"), 422, "description"),
    "half a surrogate pair": ("/api/products", product(name="\ud83d"), 422, "name"),
    "a quantity of 0": ("/api/orders", order(quantity=0), 422, "quantity"),
    "a negative quantity": ("/api/orders", order(quantity=-1), 422, "quantity"),
    "a fractional quantity": ("/api/orders", order(quantity=1.5), 422, "quantity"),
    "a quantity beyond 10^6": ("/api/orders", order(quantity=1_000_001), 422, "quantity"),
    "a quantity that is true": ("/api/orders", order(quantity=True), 422, "quantity"),
    "an id beyond 64 bits": ("/api/orders", order(product_id=2**63), 422, "product_id"),
    "an id of 0": ("/api/orders", order(product_id=0), 422, "product_id"),
    "no lines": ("/api/orders", '{"items": []}', 422, "items"),
    "more than 100 lines": ("/api/orders", lines(101), 422, "items"),
    "both forms of an order": ("/api/orders", order(items=[LINE]), 422, "product_id"),
    "a price named by the client": ("/api/orders", order(price=0.01), 422, "price"),
    "a wrong field in a line": (
        "/api/orders",
        json.dumps({"items": [LINE, {**LINE, "quantity": 0}]}),
        422,
        "items.1.quantity",
    ),
    "an unknown product": ("/api/orders", order(product_id=2**62), 404, None),
}


@pytest.fixture
async def unchanged(client: Client, running: Live) -> AsyncIterator[None]:
    """Fails a test that changes the catalogue, the ledger, what is reserved or what is ordered.

    That an order was refused may be remembered.
    """

    async def everything() -> list[Any]:
        if running.data is None:
            paths = ("/api/products", "/api/orders?status=confirmed")
            return [(await client.get(path)).json for path in paths]
        with running.tables() as (inventory, orders, _):
            return [
                inventory.rows("SELECT * FROM products ORDER BY id"),
                inventory.rows("SELECT * FROM stock_movements ORDER BY id"),
                inventory.rows("SELECT id FROM reservations WHERE status <> 'refused' ORDER BY id"),
                inventory.rows("SELECT id FROM outbox ORDER BY position"),
                orders.rows("SELECT id, status FROM orders WHERE status <> 'rejected' ORDER BY id"),
            ]

    before = await everything()
    yield
    assert await everything() == before


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("what", BODIES)
async def test_it_is_refused(client: Client, what: str) -> None:
    path, body, status, field = BODIES[what]
    answer = await client.send(
        "POST", path, body.encode("utf-8", "surrogatepass"),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status == status, answer
    if field is None:
        assert answer.json["detail"]
        assert answer.problem
    else:
        assert field in answer.fields


@pytest.mark.usefixtures("unchanged")
async def test_several_wrong_fields_are_all_named(client: Client) -> None:
    body = {"name": "", "price": -1, "stock": 0.5, "extra": 1}
    answer = await client.post("/api/products", body)
    assert sorted(answer.fields) == ["extra", "name", "price", "stock"]


@pytest.mark.usefixtures("unchanged")
async def test_an_edit_is_held_to_the_same_rules(client: Client) -> None:
    answer = await client.put("/api/products/1", {"name": "", "price": 1.234})
    assert sorted(answer.fields) == ["name", "price"]


async def test_a_total_beyond_its_bound_is_refused(client: Client) -> None:
    product_id = (await client.product(price=1_000_000_000, stock=1_000))["id"]
    answer = await client.order(product_id, 11)
    assert answer.status == 422, answer
    assert await client.stock(product_id) == 1_000
    assert (await client.order(product_id, 9)).json["total_price"] == 9_000_000_000


async def test_a_stock_beyond_its_bound_is_refused(client: Client) -> None:
    product_id = (await client.product(stock=999_999_999))["id"]
    answer = await client.post(f"/api/products/{product_id}/stock", {"quantity": 2})
    assert answer.status == 422, answer
    assert "quantity" in answer.fields
    assert await client.stock(product_id) == 999_999_999


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("size", [70_000, 2_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
async def test_a_huge_body_is_refused(client: Client, size: int, chunked: bool) -> None:  # noqa: FBT001
    body = product(description="d" * size).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    answer = await client.send(
        "POST", "/api/products", pieces() if chunked else body,
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert (answer.status, answer.problem) == (413, "too-large")


@pytest.mark.usefixtures("unchanged")
async def test_a_body_of_another_kind_is_refused(client: Client) -> None:
    answer = await client.send(
        "POST", "/api/products", b"<name/>", headers={"Content-Type": "text/xml"}
    )
    assert (answer.status, answer.problem) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "path",
    [
        "/api/products/4611686018427387904", "/api/products/99999999999999999999",
        "/api/products/0", "/api/products/-1", "/api/products/1.5", "/api/products/abc",
        "/api/products/1/", "/api/orders/4611686018427387904", "/api/nothing", "/api", "/nothing",
        "/api/reservations", "/reservations", "/api//products", "/api/products/..%2Forders",
        "/robots.txt", "/favicon.ico", "/api/orders/%0A1", "/api/orders/1%0A",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status == 404, answer
    assert answer.problem.endswith("not-found")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/products", {"GET", "HEAD", "POST"}),
        ("PATCH", "/api/products/1", {"GET", "HEAD", "PUT", "DELETE"}),
        ("PUT", "/api/orders", {"GET", "HEAD", "POST"}),
        ("DELETE", "/api/orders/1", {"GET", "HEAD"}),
        ("GET", "/api/orders/1/cancel", {"POST"}),
        ("POST", "/api/categories", {"GET", "HEAD"}),
        ("POST", "/api/notifications", {"GET", "HEAD"}),
        ("POST", "/health", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_refused(
    client: Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = await client.request(method, path)
    assert (answer.status, answer.problem) == (405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=501", "limit"), ("limit=ten", "limit"),
        ("after=nonsense", "after"), ("sort=colour", "sort"), ("in_stock=perhaps", "in_stock"),
        ("colour=red", "colour"), ("limit=1&limit=2", "limit"), ("q=%00", "q"),
    ],
)  # fmt: skip
async def test_a_wrong_parameter_is_named(client: Client, query: str, field: str) -> None:
    answer = await client.get(f"/api/products?{query}")
    assert field in answer.fields


async def test_nothing_internal_leaks(client: Client) -> None:
    for path in ("/api/products?q=%27%22%3B--", "/api/products/abc", "/api/orders?after=x"):
        answer = await client.get(path)
        assert answer.status < 500
        text = answer.body.decode().lower()
        assert not any(word in text for word in ("psycopg", "traceback", "select ", "/functions/"))
