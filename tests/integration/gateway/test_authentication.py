"""The gateway with authentication on, in front of services that tell what reached them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shop.access import Caller
from shop.keys import TRUSTED, Verifier, generate, public, read_set
from shop.trust import HEADER, Callers
from tests.integration.gateway.conftest import StartGateway
from tests.support import issuing, trust
from tests.support.stage import Stage

Client = aiohttp.ClientSession
KEYS = "/auth/jwks.json"


def playing(keys: Callable[[], str]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Services of which one shows keys."""

    async def play(request: web.Request) -> web.StreamResponse:
        if request.path == KEYS:
            return web.Response(text=keys(), content_type="application/json")
        return web.json_response({"ok": True})

    return play


@pytest.fixture
def guarded(start_gateway: StartGateway, stage: Stage) -> str:
    """The address of a gateway with authentication on."""
    stage.play = playing(issuing.own_keys)
    return start_gateway(**trust.trusting("gateway")).address


def told(stage: Stage) -> Caller:
    """Whom the last request's function is told of, as it reads it."""
    trusted = Verifier(read_set(trust.secrets()[TRUSTED]["TRUSTED_KEYS"]))
    return Callers(trusted).of(stage.asked[-1].header(HEADER))


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def ask(
    client: Client, url: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[int, str, dict[str, Any]]:
    """Status, challenge and document."""
    async with client.request(method, url, headers=headers) as answer:
        challenge = answer.headers.get("WWW-Authenticate", "")
        return answer.status, challenge, json.loads(await answer.read())


@pytest.mark.parametrize(
    ("role", "path"), [("customer", "/api/orders"), ("admin", "/api/notifications")]
)
async def test_a_function_is_told_who_calls_and_not_by_what_token(
    client: Client, guarded: str, stage: Stage, role: str, path: str
) -> None:
    forged = {HEADER: "forged", "Shop-Role": "admin"}
    for _ in range(2):
        status, *_ = await ask(client, guarded + path, bearing(issuing.token(role=role)) | forged)
        assert status == 200
        assert told(stage) == Caller("ada", role)  # type: ignore[arg-type]
        assert stage.asked[-1].header("authorization") is None
    assert [asked.path for asked in stage.asked].count(KEYS) == 1


async def test_a_guest_reads_what_is_public_as_a_guest(
    client: Client, guarded: str, stage: Stage
) -> None:
    assert (await ask(client, guarded + "/api/products"))[0] == 200
    assert told(stage) == Caller()
    assert (await ask(client, guarded + "/api/products", bearing(issuing.token())))[0] == 200
    assert told(stage) == Caller("ada", "customer")


@pytest.mark.parametrize(
    ("method", "path", "token", "status", "error"),
    [
        ("GET", "/api/orders", None, 401, ""),
        ("POST", "/api/orders", None, 401, ""),
        ("POST", "/api/products", None, 401, ""),
        ("POST", "/api/products", issuing.token(), 403, "insufficient_scope"),
        ("DELETE", "/api/products/1", issuing.token(), 403, "insufficient_scope"),
        ("GET", "/api/dead-letters", issuing.token(), 403, "insufficient_scope"),
        ("GET", "/api/orders", issuing.token(exp=1), 401, "invalid_token"),
        ("GET", "/api/products", issuing.token(aud="others"), 401, "invalid_token"),
        ("GET", "/api/orders", issuing.unsigned({"alg": "none"}), 401, "invalid_token"),
        ("GET", "/api/orders", trust.identity("root", "admin"), 401, "invalid_token"),
    ],
    ids=range(10),
)  # fmt: skip
async def test_who_may_not_pass_is_told_why_and_wakes_no_function(
    client: Client, guarded: str, stage: Stage,
    method: str, path: str, token: str | None, status: int, error: str,
) -> None:  # fmt: skip
    headers = {} if token is None else bearing(token)
    found, challenge, document = await ask(client, guarded + path, headers, method)

    assert (found, document["status"]) == (status, status)
    assert document["type"] == {401: "/problems/unauthenticated", 403: "/problems/forbidden"}[found]
    assert challenge.startswith("Bearer ")
    assert (f'error="{error}"' in challenge) if error else ("error" not in challenge)
    assert {asked.path for asked in stage.asked} <= {KEYS}


@pytest.mark.parametrize("given", ["Basic YTpi", "Bearer", "Bearer  ", "Token x", ""])
async def test_credentials_of_another_kind_are_refused(
    client: Client, guarded: str, given: str
) -> None:
    for path in ("/api/orders", "/api/products"):
        assert (await ask(client, guarded + path, {"Authorization": given}))[0] == 401


async def test_a_session_is_renewed_whatever_token_comes_along(
    client: Client, guarded: str, stage: Stage
) -> None:
    headers = bearing(issuing.token(exp=1))
    assert (await ask(client, guarded + "/api/auth/refresh", headers, "POST"))[0] == 200
    assert told(stage) == Caller()


async def test_what_operators_ask_of_the_gateway_needs_no_token(
    client: Client, guarded: str, start_gateway: StartGateway
) -> None:
    status, _, health = await ask(client, guarded + "/health")
    assert (status, health["auth"]) == (200, "on")
    assert (await ask(client, guarded + "/openapi.json"))[0] == 200
    assert (await ask(client, start_gateway().address + "/health"))[2]["auth"] == "off"


async def test_health_tells_of_what_is_behind_the_gateway_and_of_nothing_else(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    addresses = dict.fromkeys(("gateway", "list-products", "list-keys"), stage.address)
    gateway = start_gateway(UPSTREAMS=json.dumps(addresses))
    status, _, health = await ask(client, gateway.address + "/health")
    assert (status, set(health["services"])) == (200, {"list-products", "list-keys"})


async def test_while_no_key_was_ever_seen_the_client_may_try_again(
    client: Client, guarded: str, stage: Stage
) -> None:
    async def down(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    stage.play = down
    async with client.get(guarded + "/api/orders", headers=bearing(issuing.token())) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    stage.play = playing(issuing.own_keys)
    assert (await ask(client, guarded + "/api/products"))[0] == 200


async def test_keys_that_are_exchanged_are_followed(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    shown = [issuing.own_keys()]
    stage.play = playing(lambda: shown[-1])
    guarded = start_gateway(**trust.trusting("gateway"), JWKS_SECONDS="0.001").address
    old = bearing(issuing.token())
    assert (await ask(client, guarded + "/api/orders", old))[0] == 200
    shown.append(json.dumps({"keys": [public(generate("tokens.2"))]}))

    statuses = [(await ask(client, guarded + "/api/orders", old))[0] for _ in range(40)]

    assert statuses[-1] == 401
