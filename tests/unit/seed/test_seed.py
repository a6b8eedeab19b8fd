import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from seed.__main__ import seed
from seed.catalogue import load_catalogue

CATALOGUE = load_catalogue()


class StubShop:
    """The two routes that seeding uses, with pages of three and idempotency keys."""

    def __init__(self) -> None:
        self.products: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.refusal: dict[str, Any] | None = None

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/api/products", self.list_products)
        application.router.add_post("/api/products", self.create_product)
        return application

    async def list_products(self, request: web.Request) -> web.Response:
        start = int(request.query.get("after", "0"))
        answer = web.json_response(self.products[start : start + 3])
        if start + 3 < len(self.products):
            # The path behind the gateway, not before it: only the query is to be trusted.
            answer.headers["Link"] = f'</products?limit=3&after={start + 3}>; rel="next"'
        return answer

    async def create_product(self, request: web.Request) -> web.Response:
        key = request.headers["Idempotency-Key"]
        if self.refusal is not None:
            return web.json_response(
                self.refusal, status=422, content_type="application/problem+json"
            )
        if key not in self.keys:
            self.products.append(await request.json())
        self.keys.append(key)
        return web.json_response({}, status=201)


@pytest.fixture
async def stub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StubShop]:
    shop = StubShop()
    async with TestServer(shop.application()) as server:
        monkeypatch.setenv("SHOP_URL", str(server.make_url("/")))
        yield shop


async def test_an_empty_shop_gets_the_whole_catalogue(
    stub: StubShop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await seed() == 0

    assert {made["name"] for made in stub.products} == {product.name for product in CATALOGUE}
    assert set(stub.keys) == {f"seed-{product.slug}" for product in CATALOGUE}
    output = capsys.readouterr().out
    assert "40 products made in 8 categories, 0 already there." in output
    assert CATALOGUE[0].name in output


async def test_a_second_run_sends_nothing(
    stub: StubShop, capsys: pytest.CaptureFixture[str]
) -> None:
    await seed()
    sent = len(stub.keys)

    assert await seed() == 0

    assert len(stub.keys) == sent
    assert "0 products made, 40 already there." in capsys.readouterr().out


async def test_only_what_is_on_no_page_is_made(stub: StubShop) -> None:
    stub.products = [product.request() for product in CATALOGUE[:-1]]

    assert await seed() == 0

    assert stub.keys == [f"seed-{CATALOGUE[-1].slug}"]


async def test_a_product_that_stays_deleted_is_not_called_made(
    stub: StubShop, capsys: pytest.CaptureFixture[str]
) -> None:
    await seed()
    deleted = stub.products.pop()["name"]

    assert await seed() == 0

    output = capsys.readouterr().out
    assert "0 products made, 39 already there." in output
    assert f"deleted within the last 24 h: {deleted}." in output


async def test_a_refusal_is_told_with_its_fields(
    stub: StubShop, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.refusal = {
        "title": "Invalid",
        "detail": "The body is not valid.",
        "errors": [{"field": "price", "message": "is too high"}],
    }

    assert await seed() == 1

    error = capsys.readouterr().err
    assert "The shop answered 422 to" in error
    assert "price: is too high" in error


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


async def test_a_shop_on_other_ports_is_found_there(
    unused_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SHOP_URL", raising=False)
    monkeypatch.setenv("SHOP_PORT_OFFSET", str(unused_port - 8080))

    assert await seed() == 1

    assert f"Filling the shop at http://localhost:{unused_port}" in capsys.readouterr().out


async def test_a_shop_that_is_not_up_is_one_sentence(
    unused_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{unused_port}"
    monkeypatch.setenv("SHOP_URL", url)

    assert await seed() == 1

    assert capsys.readouterr().err.startswith(f"No shop answers at {url}. Start one with")
