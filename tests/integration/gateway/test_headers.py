"""What protects a browser: headers on every answer, CORS by allow-list, the page's policy."""

import base64
import hashlib
import re
from collections.abc import Mapping

import aiohttp
import pytest

from shop.gateway.headers import CrossOrigin
from shop.settings import SettingError, Settings
from tests.integration.gateway.conftest import StartGateway
from tests.support.raw import request, send
from tests.support.stage import Stage

Client = aiohttp.ClientSession
SHOP = "https://shop.example"
SETTINGS = {"CORS_ORIGINS": f"{SHOP}, https://other.example:8443"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/products", 200),
        ("HEAD", "/api/products/1", 200),
        ("GET", "/api/nothing", 404),
        ("PATCH", "/api/products", 405),
        ("TRACE", "/api/products", 405),
        ("OPTIONS", "/api/products", 405),
        ("GET", "/health", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("GET", "/", 307),
    ],
)
async def test_every_answer_has_what_protects_a_browser(
    client: Client, gateway: str, method: str, path: str, status: int
) -> None:
    async with client.request(method, gateway + path, allow_redirects=False) as answer:
        assert answer.status == status
        headers = answer.headers

    assert headers.getall("X-Content-Type-Options") == ["nosniff"]
    assert headers.getall("Referrer-Policy") == ["no-referrer"]
    (policy,) = headers.getall("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for name in ("Server", "X-Powered-By", "Strict-Transport-Security", "Vary"):
        assert name not in headers


async def test_what_is_too_large_has_it_too(gateway: str) -> None:
    received = await send(
        gateway, request("POST /api/products HTTP/1.1", "Content-Length: 9999999"), wait=0.2
    )

    assert received.statuses == [413]
    assert "x-content-type-options: nosniff" in received.head
    assert "content-security-policy: " in received.head


async def test_https_is_kept_where_a_trusted_proxy_has_it(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    trusting = start_gateway(TRUSTED_PROXIES="127.0.0.1").address
    alone = start_gateway().address
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.1"}

    async with client.get(trusting + "/api/products", headers=headers) as answer:
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    async with client.get(alone + "/api/products", headers=headers) as answer:
        assert "Strict-Transport-Security" not in answer.headers

    assert [asked.header("x-forwarded-proto") for asked in stage.asked] == ["https", "http"]


async def test_the_page_of_documentation_runs_its_own_script_and_no_other(
    client: Client, gateway: str
) -> None:
    async with client.get(gateway + "/docs") as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]

    for tag in ("script", "style"):
        blocks = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", page, re.DOTALL)
        digests = [
            base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() for block in blocks
        ]
        assert re.findall(rf"{tag}-src ([^;]*);", policy) == [
            " ".join(f"'sha256-{digest}'" for digest in digests)
        ]
    assert not re.search(r"<[^>]*\s(on\w+|style)=", page)


# --- CORS -----------------------------------------------------------------------------------------


async def preflight(client: Client, gateway: str, origin: str) -> tuple[int, Mapping[str, str]]:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    async with client.options(gateway + "/api/orders", headers=headers) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}


async def test_a_page_of_an_allowed_origin_may_ask_and_read(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(**SETTINGS).address

    status, headers = await preflight(client, gateway, SHOP)
    async with client.get(gateway + "/api/orders", headers={"Origin": SHOP}) as answer:
        read = answer.headers

    assert (status, headers["access-control-allow-origin"]) == (204, SHOP)
    assert headers["access-control-allow-methods"] == "GET, HEAD, POST"
    assert "idempotency-key" in headers["access-control-allow-headers"]
    assert read["Access-Control-Allow-Origin"] == SHOP
    assert "etag" in read["Access-Control-Expose-Headers"]
    assert read.getall("Vary") == ["Origin"]
    assert "Access-Control-Allow-Credentials" not in read
    assert len(stage.asked) == 1


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://shop.example", "https://shop.example.evil.example",
     "https://evilshop.example", "https://shop.example:444", "null", "*", "HTTPS://SHOP.EXAMPLE"],
)  # fmt: skip
async def test_a_page_of_another_origin_may_not(
    client: Client, start_gateway: StartGateway, origin: str
) -> None:
    gateway = start_gateway(**SETTINGS).address

    status, headers = await preflight(client, gateway, origin)
    async with client.get(gateway + "/api/orders", headers={"Origin": origin}) as answer:
        read = answer.headers

    assert status == 405
    assert not [name for name in (*headers, *map(str.lower, read)) if "access-control" in name]
    assert read["Vary"] == "Origin"


async def test_without_a_list_no_origin_is_allowed(client: Client, gateway: str) -> None:
    status, headers = await preflight(client, gateway, SHOP)

    assert (status, [name for name in headers if "access-control" in name]) == (405, [])


@pytest.mark.parametrize("origins", ["*", "https://*.example", "shop.example", "https://a/b"])
def test_an_origin_that_is_none_is_told_by_name(origins: str) -> None:
    with pytest.raises(SettingError, match="CORS_ORIGINS"):
        CrossOrigin(Settings({"CORS_ORIGINS": origins}))
