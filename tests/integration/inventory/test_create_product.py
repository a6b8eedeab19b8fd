import asyncio
import json
import re
from decimal import Decimal
from typing import Any

import pytest

from tests.support.shop import Api
from tests.support.tables import Inventory

LAPTOP = {
    "name": "Laptop",
    "description": "High-performance laptop",
    "price": 999.99,
    "stock": 50,
}


async def test_a_product_is_created_with_what_it_says_and_with_defaults(api: Api) -> None:
    answer = await api.post("/products", LAPTOP)

    assert answer.status == 201
    product = answer.json
    created_at = product.pop("created_at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", created_at)
    assert product.pop("updated_at")[:19] == created_at[:19]
    assert product == {
        "id": 1, "name": "Laptop", "description": "High-performance laptop",
        "price": Decimal("999.99"), "stock": 50, "category": None, "image_url": None,
        "low_stock_threshold": 10,
    }  # fmt: skip


async def test_every_member_can_be_given(api: Api) -> None:
    body = LAPTOP | {
        "category": "Computers", "image_url": "/images/laptop.svg", "low_stock_threshold": 3,
    }  # fmt: skip

    product = (await api.post("/products", body)).json

    assert {name: product[name] for name in body} == body | {"price": Decimal("999.99")}


async def test_its_address_and_its_tag_are_those_of_a_later_read(api: Api) -> None:
    created = await api.post("/products", LAPTOP)

    read = await api.get(created.headers["location"])

    assert created.headers["location"] == "/products/1"
    assert read.json == created.json
    assert read.headers["etag"] == created.headers["etag"] == '"1.50"'


async def test_its_address_has_the_prefix_under_which_a_gateway_forwards(api: Api) -> None:
    created = await api.post("/products", LAPTOP, headers={"X-Forwarded-Prefix": "/api"})

    assert created.headers["location"] == "/api/products/1"


async def test_its_first_stock_is_in_the_ledger_and_it_is_announced(
    api: Api, inventory: Inventory
) -> None:
    product = (await api.post("/products", LAPTOP | {"category": "Computers"})).json

    assert inventory.ledger(1) == [("initial", 50)]
    ((name, subject, data),) = inventory.events()
    assert (name, subject) == ("product.created", "1")
    assert data == {
        "product_id": 1, "product": "Laptop", "price": 999.99, "stock": 50,
        "category": "Computers", "created_at": product["created_at"],
    }  # fmt: skip


async def test_a_product_without_stock_has_no_movement(api: Api, inventory: Inventory) -> None:
    answer = await api.post("/products", {"name": "Announced", "price": 5})

    assert (answer.json["stock"], inventory.ledger(1)) == (0, [])


async def test_the_event_carries_the_trace_of_the_request(api: Api, inventory: Inventory) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    await api.post("/products", LAPTOP, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})

    handed_on = inventory.value("SELECT traceparent FROM outbox")

    assert re.fullmatch(rf"00-{trace}-[0-9a-f]{{16}}-01", handed_on)
    assert "00f067aa0ba902b7" not in handed_on


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("0", "0.00"),
        ("-0.0", "0.00"),
        ("0.1", "0.10"),
        ("10", "10.00"),
        ("10.250", "10.25"),
        ("1e3", "1000.00"),
        ("1E-2", "0.01"),
        ("1000000000", "1000000000.00"),
        ("123456789.01", "123456789.01"),
    ],
)
async def test_a_price_stays_exactly_what_it_is(api: Api, written: str, shown: str) -> None:
    body = f'{{"name": "Coin", "price": {written}}}'.encode()

    answer = await api.post("/products", body)

    assert answer.status == 201
    assert f'"price":{shown}'.encode() in answer.body


async def test_names_are_kept_in_any_script_and_without_white_space_around_them(api: Api) -> None:
    name = "Θερμός 保温瓶 \N{HOT BEVERAGE}‑’"

    product = (await api.post("/products", {"name": f"  {name}\t", "price": 1})).json

    assert product["name"] == name


@pytest.mark.parametrize("length", [1, 200])
async def test_names_may_have_1_to_200_characters(api: Api, length: int) -> None:
    answer = await api.post("/products", {"name": "ß" * length, "price": 1})

    assert answer.status == 201


async def test_stocks_may_reach_their_bound(api: Api) -> None:
    answer = await api.post("/products", {"name": "Sand", "price": 0.01, "stock": 10**9})

    assert answer.json["stock"] == 10**9


VALID = {"name": "Lamp", "price": 10}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name", "price"]),
        ({"name": ""} | {"price": 1}, ["name"]),
        (VALID | {"name": " \t\u00a0"}, ["name"]),
        (VALID | {"name": "x" * 201}, ["name"]),
        (VALID | {"name": "a\x00b"}, ["name"]),
        (VALID | {"name": "\ud800"}, ["name"]),
        (VALID | {"name": None}, ["name"]),
        (VALID | {"name": 5}, ["name"]),
        (VALID | {"price": -0.01}, ["price"]),
        (VALID | {"price": 9.999}, ["price"]),
        (VALID | {"price": 1_000_000_000.01}, ["price"]),
        (VALID | {"price": 1e400}, ["price"]),
        (VALID | {"price": "10"}, ["price"]),
        (VALID | {"price": True}, ["price"]),
        (VALID | {"price": None}, ["price"]),
        (VALID | {"price": [10]}, ["price"]),
        (VALID | {"stock": -1}, ["stock"]),
        (VALID | {"stock": 1.5}, ["stock"]),
        (VALID | {"stock": 10**9 + 1}, ["stock"]),
        (VALID | {"stock": 2**63}, ["stock"]),
        (VALID | {"stock": 10**40}, ["stock"]),
        (VALID | {"stock": "5"}, ["stock"]),
        (VALID | {"stock": True}, ["stock"]),
        (VALID | {"stock": None}, ["stock"]),
        (VALID | {"low_stock_threshold": -1}, ["low_stock_threshold"]),
        (VALID | {"low_stock_threshold": 0.5}, ["low_stock_threshold"]),
        (VALID | {"category": ""}, ["category"]),
        (VALID | {"category": "x" * 101}, ["category"]),
        (VALID | {"category": "\x00"}, ["category"]),
        (VALID | {"description": "\x00"}, ["description"]),
        (VALID | {"description": "x" * 10_001}, ["description"]),
        (VALID | {"image_url": "\x00"}, ["image_url"]),
        (VALID | {"image_url": "x" * 2_001}, ["image_url"]),
        (VALID | {"id": 7}, ["id"]),
        (VALID | {"colour": "red", "<b>": 1}, ["colour", "<b>"]),
        ({"name": "", "price": -1, "stock": -1}, ["name", "price", "stock"]),
        ([VALID], ["body"]),
        (5, ["body"]),
        (None, None),
    ],
)
async def test_each_field_that_does_not_hold_is_named_and_nothing_changes(
    api: Api, inventory: Inventory, body: Any, fields: list[str] | None
) -> None:
    written = json.dumps(body).replace("Infinity", "1e400").encode()

    answer = await api.post("/products", written)

    assert answer.fields == (fields or ["body"])
    assert inventory.everything() == [[], [], [], []]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": "Lamp", "price": NaN}',
        b'{"name": "Lamp", "price": Infinity}',
        b'{"name": "Lamp", "price": -Infinity}',
        b'{"name": "Lamp", "price": 1e99999999999999999999}',
        b'{"name": "Lamp", "price": 01}',
        b'{"name": "Lamp", "price": ' + b"9" * 5_000 + b"}",
        b'{"name": "L\xff", "price": 1}',
        b"\xef\xbb\xbf{}",
        b"name=Lamp&price=10",
        b"[" * 30_000,
        b'{"a":' * 10_000,
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_what_is_no_json_is_a_bad_request_and_nothing_changes(
    api: Api, inventory: Inventory, body: bytes
) -> None:
    answer = await api.post("/products", body)

    assert (answer.status, answer.problem) == (400, "bad-request")
    assert inventory.everything() == [[], [], [], []]


async def test_a_body_of_another_media_type_is_refused(api: Api, inventory: Inventory) -> None:
    answer = await api.post(
        "/products", json.dumps(VALID).encode(), headers={"Content-Type": "text/plain"}
    )

    assert (answer.status, answer.problem) == (415, "unsupported-media-type")
    assert inventory.everything() == [[], [], [], []]


async def test_a_huge_body_is_refused(api: Api, inventory: Inventory) -> None:
    answer = await api.post("/products", VALID | {"description": "x" * 70_000})

    assert (answer.status, answer.problem) == (413, "too-large")
    assert inventory.everything() == [[], [], [], []]


async def test_the_same_key_and_body_get_the_first_answer_again(
    api: Api, inventory: Inventory
) -> None:
    first = await api.post("/products", LAPTOP, key="k-1")
    inventory.run("UPDATE products SET stock = 1, version = 7")
    inventory.run("UPDATE stock_movements SET change = 1")

    again = await api.post("/products", LAPTOP, key="k-1")

    assert (again.status, again.body) == (first.status, first.body)
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert inventory.value("SELECT count(*) FROM products") == 1
    assert len(inventory.events()) == 1


async def test_a_key_covers_what_a_body_means_and_not_how_it_is_written(api: Api) -> None:
    first = await api.post("/products", b'{"name": "Lamp", "price": 1.50}', key="k")

    again = await api.post("/products", b'{ "price":1.50,"name":"\\u004camp" }', key="k")

    assert again.body == first.body


async def test_the_same_key_with_another_body_is_refused(api: Api, inventory: Inventory) -> None:
    await api.post("/products", LAPTOP, key="k-1")
    before = inventory.everything()

    answer = await api.post("/products", LAPTOP | {"stock": 51}, key="k-1")

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert inventory.everything() == before


async def test_a_key_belongs_to_its_account(guarded: Api, inventory: Inventory) -> None:
    for account in ("ada", "bob", "eve"):
        answer = await guarded.post("/products", LAPTOP, key="k-1", account=account, role="admin")
        assert answer.status == 201

    assert inventory.value("SELECT count(*) FROM products") == 3


async def test_concurrent_duplicates_wait_for_the_first_and_get_its_answer(
    api: Api, inventory: Inventory
) -> None:
    answers = await asyncio.gather(*(api.post("/products", LAPTOP, key="one") for _ in range(20)))

    assert {(a.status, a.body) for a in answers} == {(201, answers[0].body)}
    assert inventory.value("SELECT count(*) FROM products") == 1


async def test_a_key_is_forgotten_after_24_hours(api: Api, inventory: Inventory) -> None:
    await api.post("/products", LAPTOP, key="k")
    inventory.run("UPDATE idempotency_keys SET created_at = now() - interval '23 h 59 min'")
    assert (await api.post("/products", LAPTOP, key="k")).json["id"] == 1
    inventory.run("UPDATE idempotency_keys SET created_at = now() - interval '24 h 1 s'")

    answer = await api.post("/products", LAPTOP | {"name": "Desktop"}, key="k")

    assert (answer.status, answer.json["id"]) == (201, 2)
    assert (await api.post("/products", LAPTOP | {"name": "Desktop"}, key="k")).json["id"] == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_has_1_to_255_printable_characters(
    api: Api, inventory: Inventory, key: str
) -> None:
    answer = await api.post("/products", LAPTOP, key=key)

    assert answer.status == 400
    assert inventory.everything() == [[], [], [], []]
