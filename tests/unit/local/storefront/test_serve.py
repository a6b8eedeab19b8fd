import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from local.layout import ROOT
from local.storefront import serve

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "pictures").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>ShopHub</title>")
    (folder / "assets" / "index-abc.js").write_text("let a = 1;")
    (folder / "assets" / "index-abc.js.br").write_bytes(b"brotli")
    (folder / "pictures" / "laptop.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
async def client(dist: Path) -> AsyncIterator[Client]:
    async def to_gateway(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"gateway {request.method} {request.path_qs}")

    async with TestClient(TestServer(serve.application(to_gateway, dist))) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/products/3", "/orders?status=pending", "/admin"])
async def test_each_page_is_the_same_document_and_asked_for_again(
    client: Client, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status == 200
    assert "<title>ShopHub" in await answer.text()
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_what_is_named_by_its_digest_is_kept_for_ever(client: Client) -> None:
    answer = await client.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert await answer.text() == "let a = 1;"


async def test_what_was_compressed_by_the_build_is_sent_as_it_is(dist: Path) -> None:
    async def nobody(_: web.Request) -> web.StreamResponse:
        raise AssertionError

    server = TestServer(serve.application(nobody, dist))
    async with TestClient(server, auto_decompress=False) as client:
        answer = await client.get("/assets/index-abc.js", headers={"Accept-Encoding": "br, gzip"})
        assert answer.headers["Content-Encoding"] == "br"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert await answer.read() == b"brotli"


@pytest.mark.parametrize("path", ["/assets/gone.js", "/nothing.txt", "/%2e%2e/secret.txt"])
async def test_a_file_that_is_not_there_is_not_a_page(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


def test_no_path_leads_out_of_the_build(dist: Path) -> None:
    for path in ("/../secret.txt", "/assets/../../secret.txt", "/..", "/a\0b"):
        assert serve.find(dist, path) == (None, "")


@pytest.mark.parametrize(
    "path", ["/api/products?q=a", "/health?probe=true", "/openapi.json", "/docs"]
)
async def test_the_gateways_paths_are_passed_on(client: Client, path: str) -> None:
    assert await (await client.get(path)).text() == f"gateway GET {path}"


async def test_every_answer_forbids_what_the_storefront_does_not_need(client: Client) -> None:
    for path in ("/", "/assets/index-abc.js", "/nothing.txt"):
        answer = await client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_page_says_so_while_there_is_no_build(dist: Path, client: Client) -> None:
    (dist / "index.html").unlink()
    answer = await client.get("/")
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert "frontend:build" in await answer.text()


def test_the_headers_are_those_of_the_file_that_nginx_is_held_to() -> None:
    assert serve.headers() == json.loads((ROOT / "frontend" / "headers.json").read_text())
