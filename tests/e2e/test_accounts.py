"""Accounts through the gateway, and what they may do where the shop asks who calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.e2e.test_commands import task
from tests.support.identity import cookie
from tests.support.live import Client, Live
from tests.support.shop import Answer

_PASSWORD = "correct horse battery"


async def registered(client: Client) -> dict[str, str]:
    """The credentials of a new account."""
    credentials = {"email": f"{uuid4()}@example.com", "password": _PASSWORD}
    answer = await client.post("/api/auth/accounts", credentials)
    assert answer.status == 201, answer
    return credentials


@asynccontextmanager
async def customer(running: Live) -> AsyncIterator[Client]:
    """A client that signs in as a customer of its own."""
    async with guest(running) as client:
        credentials = await registered(client)
    environment = {"SHOP_EMAIL": credentials["email"], "SHOP_PASSWORD": _PASSWORD}
    client = Client(running.url, environment)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def guest(running: Live) -> AsyncIterator[Client]:
    """A client that does not say who it is."""
    client = Client(running.url, {})
    try:
        yield client
    finally:
        await client.close()


async def keys(client: Client) -> jwt.PyJWKSet:
    """The keys that the shop lists."""
    return jwt.PyJWKSet.from_dict((await client.get("/api/auth/jwks.json")).json)


def claims(answer: Answer, listed: jwt.PyJWKSet) -> dict[str, Any]:
    """What the answer's access token says, verified with the keys that are listed."""
    token = answer.json["access_token"]
    key = listed[jwt.get_unverified_header(token)["kid"]]
    found: dict[str, Any] = jwt.decode(token, key, algorithms=["EdDSA"], audience="shophub")
    return found


async def test_a_browser_signs_in_goes_on_and_signs_out(running: Live) -> None:
    async with guest(running) as client:
        credentials = await registered(client)
        answer = await client.post("/api/auth/token", credentials | {"session": "cookie"})
        assert claims(answer, await keys(client))["role"] == "customer"
        token, attributes = cookie(answer)
        assert {"Path=/api/auth", "HttpOnly", "SameSite=Strict"} <= attributes
        answer = await client.post("/api/auth/refresh", headers={"Cookie": f"shop_session={token}"})
        assert answer.status == 200
        token, _ = cookie(answer)
        headers = {"Cookie": f"shop_session={token}"}
        assert (await client.post("/api/auth/logout", headers=headers)).status == 204
        assert (await client.post("/api/auth/refresh", headers=headers)).status == 401


async def test_an_admin_is_made_by_a_verb(running: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    email = f"{uuid4()}@example.com"
    monkeypatch.setenv("ADMIN_PASSWORD", _PASSWORD)
    status, output = await task(running, "admin:create", f"EMAIL={email}", "NAME=Ada")
    assert (status, _PASSWORD in output) == (0, False), output
    async with guest(running) as client:
        answer = await client.post("/api/auth/token", {"email": email, "password": _PASSWORD})
        assert claims(answer, await keys(client))["role"] == "admin"
        assert answer.json["account"]["name"] == "Ada"


async def test_what_each_role_may_is_asked_where_authentication_is_on(
    running: Live, client: Client
) -> None:
    product = await client.product()
    order = (await client.order(product["id"])).json
    wanted = {"product_id": product["id"], "quantity": 1}
    asked: dict[tuple[str, str], tuple[int, int]] = {
        ("GET", "/api/products"): (200, 200),
        ("GET", f"/api/products/{product['id']}"): (200, 200),
        ("POST", "/api/orders"): (401, 201),
        ("GET", "/api/orders"): (401, 200),
        ("GET", f"/api/orders/{order['id']}"): (401, 404),
        ("POST", f"/api/orders/{order['id']}/cancel"): (401, 404),
        ("POST", "/api/products"): (401, 403),
        ("PUT", f"/api/products/{product['id']}"): (401, 403),
        ("DELETE", f"/api/products/{product['id']}"): (401, 403),
        ("POST", f"/api/products/{product['id']}/stock"): (401, 403),
        ("GET", "/api/notifications"): (401, 403),
        ("GET", "/api/dead-letters"): (401, 403),
    }
    if not running.asks_who_calls:
        async with guest(running) as nobody:
            assert (await nobody.get(f"/api/orders/{order['id']}")).status == 200
            assert (await nobody.post("/api/orders", wanted)).status == 201
            assert (await nobody.get("/api/notifications")).status == 200
        return
    async with guest(running) as nobody, customer(running) as somebody:
        for (method, path), expected in asked.items():
            body = wanted if (method, path) == ("POST", "/api/orders") else None
            statuses = [
                (await each.request(method, path, body)).status for each in (nobody, somebody)
            ]
            assert tuple(statuses) == expected, f"{method} {path}"
    assert (await client.get(f"/api/orders/{order['id']}")).status == 200


async def test_an_order_belongs_to_its_account(running: Live, client: Client) -> None:
    product = await client.product(stock=10)
    async with customer(running) as one, customer(running) as other:
        placed = await one.order(product["id"], key="the same key")
        again = await other.order(product["id"], key="the same key")
        assert (placed.status, again.status) == (201, 201)
        path = f"/api/orders/{placed.json['id']}"
        if running.asks_who_calls:
            assert placed.json["id"] != again.json["id"]
            assert [each["id"] for each in (await one.get("/api/orders")).json] == [
                placed.json["id"]
            ]
            assert (await other.get(path)).status == 404
            assert (await other.post(f"{path}/cancel")).status == 404
        assert (await one.get(path)).status == 200
        assert (await client.get(path)).status == 200
        assert (await one.post(f"{path}/cancel")).json["status"] == "cancelled"


async def test_keys_are_exchanged_while_everybody_goes_on(running: Live) -> None:
    async with guest(running) as client:
        credentials = await registered(client)
        signed_in = await client.post("/api/auth/token", credentials)
        before = [key.key_id for key in (await keys(client)).keys]
        status, output = await task(running, "keys:rotate")
        assert (status, "is published" in output) == (0, True), output
        listed = await keys(client)
        assert [key.key_id for key in listed.keys][:-1] == before
        assert claims(signed_in, listed)["sub"] == signed_in.json["account"]["id"]
        body = {"refresh_token": signed_in.json["refresh_token"]}
        refreshed = await client.post("/api/auth/refresh", body)
        assert jwt.get_unverified_header(refreshed.json["access_token"])["kid"] == before[0]
        # The next step has to wait until all who verify may know the new key.
        status, output = await task(running, "keys:rotate")
        assert (status != 0, "may be taken in" in output) == (True, True), output
