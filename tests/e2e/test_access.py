"""What a stranger may do is what /health says of authentication, on a shop of either kind."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import aiohttp
import pytest

from tests.support.live import Live, where

# What each is answered to somebody without a token, where authentication is on.
ASKED = {
    ("GET", "/api/products"): 200,
    ("GET", "/api/categories"): 200,
    ("GET", "/api/auth/jwks.json"): 200,
    ("POST", "/api/products"): 401,
    ("PUT", "/api/products/1"): 401,
    ("DELETE", "/api/products/999999999"): 401,
    ("POST", "/api/products/1/stock"): 401,
    ("GET", "/api/orders"): 401,
    ("POST", "/api/orders"): 401,
    ("GET", "/api/orders/1"): 401,
    ("POST", "/api/orders/999999999/cancel"): 401,
    ("GET", "/api/notifications"): 401,
    ("GET", "/api/dead-letters"): 401,
}
REFUSALS = {401, 403}


@pytest.fixture
async def stranger() -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody without a token."""
    headers = {"Content-Type": "application/json"} | where()
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


async def is_on(stranger: aiohttp.ClientSession, running: Live) -> bool:
    async with stranger.get(running.url + "/health") as answer:
        return bool({"on": True, "off": False}[(await answer.json())["auth"]])


async def test_a_stranger_may_read_the_catalogue_or_do_everything(
    stranger: aiohttp.ClientSession, running: Live
) -> None:
    guarded = await is_on(stranger, running)
    for (method, path), expected in ASKED.items():
        async with stranger.request(method, running.url + path) as answer:
            refused = answer.status if answer.status in REFUSALS else None
            assert refused == (expected if guarded and expected in REFUSALS else None), path


@pytest.mark.parametrize("token", ["x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0."])
async def test_a_token_that_does_not_hold_opens_nothing(
    stranger: aiohttp.ClientSession, running: Live, token: str
) -> None:
    guarded = await is_on(stranger, running)
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/api/products", "/api/orders"):
        async with stranger.get(running.url + path, headers=headers) as answer:
            assert answer.status == (401 if guarded else 200)


async def test_functions_inside_ask_too(stranger: aiohttp.ClientSession, running: Live) -> None:
    guarded = await is_on(stranger, running)
    functions = running.state.functions
    forged = {"shop-identity": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290Iiwicm9sZSI6ImFkbWluIn0."}
    for name, path in (
        ("reserve_stock", "/reservations"),
        ("create_product", "/products"),
        ("create_order", "/orders"),
    ):
        for headers in ({}, forged):
            async with stranger.post(functions[name] + path, data="{", headers=headers) as answer:
                assert answer.status == (401 if guarded else 400), name


async def test_an_event_of_a_stranger_is_not_told_of(
    stranger: aiohttp.ClientSession, running: Live
) -> None:
    guarded = await is_on(stranger, running)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": str(uuid4()),
        "ce-source": "/shophub/orders",
        "ce-type": "com.shophub.order.created.v1",
    }
    url = running.state.functions["notify_order"]
    async with stranger.post(url, data="{}", headers=headers) as answer:
        kind = json.loads(await answer.read())["type"].rpartition("/")[2]
    assert (answer.status, kind) == (
        (403, "event-not-trusted") if guarded else (400, "bad-request")
    )
