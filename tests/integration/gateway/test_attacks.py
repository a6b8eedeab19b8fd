"""What reaches the gateway as bytes: smuggled, oversized, slow and malformed requests."""

import asyncio
import re
import time

import pytest
from aiohttp import web

from shop import guarding
from tests.integration.gateway.conftest import StartGateway
from tests.support.raw import request, send
from tests.support.stage import Stage

POST = "POST /api/products HTTP/1.1"
GET = "GET /api/products HTTP/1.1"
HIDDEN = request("GET /api/orders HTTP/1.1")
CHUNKED = "Transfer-Encoding: chunked"

# --- two requests in one --------------------------------------------------------------------------

AMBIGUOUS = {
    "a length beside chunks": request(POST, "Content-Length: 4", CHUNKED, body=b"0\r\n\r\n"),
    "chunks beside a length": request(POST, CHUNKED, "Content-Length: 4", body=b"0\r\n\r\n"),
    "two lengths": request(POST, "Content-Length: 0", "Content-Length: 38"),
    "a length twice": request(POST, "Content-Length: 0", "Content-Length: 0"),
    "a list of lengths": request(POST, "Content-Length: 0, 0"),
    "a length with a sign": request(POST, "Content-Length: +0"),
    "a negative length": request(POST, "Content-Length: -1"),
    "a length in hexadecimal": request(POST, "Content-Length: 0x0"),
    "a length beyond 64 bits": request(POST, "Content-Length: 18446744073709551617"),
    "a blank before the colon": request(POST, "Content-Length : 0"),
    "an unknown coding": request(POST, "Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunks that are not last": request(POST, "Transfer-Encoding: chunked, identity"),
    "chunks of what is packed": request(POST, "Transfer-Encoding: gzip, chunked"),
    "chunks twice": request(POST, CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunks behind a vertical tab": request(POST, "Transfer-Encoding: \x0bchunked"),
    "chunks in HTTP/1.0": request("POST /api/products HTTP/1.0", CHUNKED, body=b"0\r\n\r\n"),
    "a folded header": request(POST, "Transfer-Encoding:", " chunked", body=b"0\r\n\r\n"),
    "line feeds alone": f"{POST}\nHost: shop.test\n\n".encode(),
    "a line feed alone in a header": f"{POST}\r\nHost: shop.test\nX-A: b\r\n\r\n".encode(),
    "a carriage return alone": f"{POST}\r\nHost: shop.test\rX-A: b\r\n\r\n".encode(),
    "a chunk's size with a prefix": request(POST, CHUNKED, body=b"0x0\r\n\r\n"),
    "a chunk's size beyond 64 bits": request(POST, CHUNKED, body=b"f" * 17 + b"\r\n"),
    "chunks that end in line feeds": request(POST, CHUNKED, body=b"0\n\n"),
    "a length among the trailers": request(POST, CHUNKED, body=b"0\r\nContent-Length: 3\r\n\r\n"),
    "another protocol with a body": request(
        POST, "Connection: upgrade", "Upgrade: h2c", f"Content-Length: {len(HIDDEN)}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_a_request_that_two_servers_could_read_differently_is_refused(
    gateway: str, stage: Stage, name: str
) -> None:
    received = await send(gateway, AMBIGUOUS[name] + HIDDEN)

    assert received.statuses == [400]
    assert received.closed
    assert received.problem["type"] == "/problems/bad-request"
    assert "GET /orders" not in [f"{asked.method} {asked.path}" for asked in stage.asked]


async def test_what_follows_a_request_for_another_protocol_is_not_read(
    gateway: str, stage: Stage
) -> None:
    received = await send(gateway, request(GET, "Connection: upgrade", "Upgrade: h2c") + HIDDEN)

    assert (received.statuses, received.closed) == ([200], True)
    assert [asked.path for asked in stage.asked] == ["/products"]


async def test_what_follows_the_last_request_of_a_connection_is_not_read(
    gateway: str, stage: Stage
) -> None:
    received = await send(gateway, request(GET, "Connection: close") + HIDDEN)

    assert (received.statuses, received.closed) == ([200], True)
    assert [asked.path for asked in stage.asked] == ["/products"]


async def test_requests_one_after_another_are_answered_in_their_order(
    gateway: str, stage: Stage
) -> None:
    received = await send(gateway, request(GET) + request("GET /nothing HTTP/1.1") + HIDDEN)

    assert (received.statuses, received.closed) == ([200, 404, 200], False)
    assert [asked.path for asked in stage.asked] == ["/products", "/orders"]


# --- heads that are not as they should be ---------------------------------------------------------

MALFORMED = {
    "no host": request(GET, host=None),
    "two hosts": request(GET, "Host: evil.example"),
    "a host with a path": request(GET, host="shop.test/evil"),
    "a host with a blank": request(GET, host="shop test"),
    "another host in the target": request("GET http://evil.example/api/products HTTP/1.1"),
    "a user in the target": request("GET http://me@shop.test/api/products HTTP/1.1"),
    "a target without a path": request("GET http://shop.test HTTP/1.1"),
    "a target without a slash": request("GET api/products HTTP/1.1"),
    "a tunnel": request("CONNECT evil.example:443 HTTP/1.1"),
    "a fragment": request("GET /api/products#x HTTP/1.1"),
    "a fragment behind a query": request("GET /api/products?q=a#x HTTP/1.1"),
    "a target beyond ASCII": request("GET /api/produ\xe9 HTTP/1.1"),
    "a query beyond ASCII": request("GET /api/products?q=\xe9 HTTP/1.1"),
    "HTTP/0.9": b"GET /api/products\r\n\r\n",
    "HTTP/1.2": request("GET /api/products HTTP/1.2"),
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a method that nobody knows": request("BREW /api/products HTTP/1.1"),
    "a method in lower case": request("get /api/products HTTP/1.1"),
    "a blank in a name": request(GET, "X A: b"),
    "a NUL in a value": request(GET, "X-A: a\x00b"),
    "a control character in a value": request(GET, "X-Request-Id: a\x01b"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_head_is_400_and_reaches_nobody(
    gateway: str, stage: Stage, name: str
) -> None:
    received = await send(gateway, MALFORMED[name])

    assert (received.statuses, received.closed) == ([400], True)
    assert received.problem["status"] == 400
    assert "x-content-type-options: nosniff" in received.head
    assert "server:" not in received.head
    assert stage.asked == []


async def test_a_target_that_names_the_host_itself_is_served(gateway: str, stage: Stage) -> None:
    received = await send(gateway, request("GET http://SHOP.test/api/products?a=1 HTTP/1.1"))

    assert received.statuses == [200]
    assert stage.asked[0].path == "/products?a=1"


@pytest.mark.parametrize(
    "path",
    ["/api/../health/ready", "/api/products/%2e%2e/orders", "/api/products/..%2forders",
     "//api/products", "//evil.example/api/products", "/api//products", "/api/./products",
     "/api\\products", "/api/products/1%00", "/api/products/1%0a", "/api/products/1%0d%0aX-A:%20b",
     "/api/products;x=1", "/api/products/%31%2f", "/api/products/%c0%ae%c0%ae/x",
     "/api/products/\u0661".encode().decode("latin-1").replace("\xd9\xa1", "%D9%A1"),
     "/api/products/%2531", "/reservations", "/api/reservations", "*"],
)  # fmt: skip
async def test_no_way_of_writing_a_path_leads_to_another_function(
    gateway: str, stage: Stage, path: str
) -> None:
    received = await send(gateway, request(f"GET {path} HTTP/1.1", "Connection: close"))

    assert received.statuses == [404]
    assert re.search(r"\r\nx-a", received.head) is None
    assert stage.asked == []


async def test_no_header_can_be_made_to_vanish_that_the_gateway_sets(
    gateway: str, stage: Stage
) -> None:
    named = "close, x-forwarded-for, x-request-id, traceparent, content-length, host, shop-identity"
    body = b'{"a": 1}'
    await send(
        gateway,
        request(POST, f"Connection: {named}", f"Content-Length: {len(body)}", body=body),
    )

    (asked,) = stage.asked
    assert asked.body == body
    for name in ("x-forwarded-for", "x-request-id", "traceparent", "content-length", "host"):
        assert asked.header(name), name


async def test_a_request_id_comes_back_without_what_is_not_printable(
    gateway: str, stage: Stage
) -> None:
    received = await send(gateway, request(GET, "X-Request-Id: abc\xff\tdef"))

    assert "x-request-id: abc\r\n" in received.head + "\r\n"
    assert stage.asked[0].header("x-request-id") == "abc"


# --- what is too much -----------------------------------------------------------------------------

TOO_LONG = {
    "a target of 9 kB": (414, request(f"GET /api/{'a' * 9_000} HTTP/1.1")),
    "a header of 40 kB": (431, request(GET, f"X-A: {'a' * 40_000}")),
    "101 headers": (431, request(GET, *(f"X-{n}: 1" for n in range(101)))),
    "a name of 40 kB": (431, request(GET, f"{'a' * 40_000}: 1")),
}


@pytest.mark.parametrize("name", TOO_LONG)
async def test_a_head_that_is_too_long_is_refused(gateway: str, stage: Stage, name: str) -> None:
    status, data = TOO_LONG[name]
    received = await send(gateway, data)

    assert (received.statuses, received.closed) == ([status], True)
    assert received.problem["status"] == status
    assert stage.asked == []


async def test_a_header_that_does_not_end_is_refused_and_not_gathered(gateway: str) -> None:
    endless = [b"a" * 10_000] * 4
    received = await send(gateway, request(GET)[:-2] + b"X-A: ", *endless, pause=0.01)

    assert (received.statuses, received.closed) == ([431], True)


async def test_no_more_connections_than_are_allowed_are_served(start_gateway: StartGateway) -> None:
    gateway = start_gateway(HTTP_CONNECTIONS="3").address
    where = gateway.removeprefix("http://").split(":")
    idle = [await asyncio.open_connection(where[0], int(where[1])) for _ in range(3)]
    await asyncio.sleep(0.05)

    refused = await send(gateway, request(GET))
    for _, writer in idle:
        writer.close()
    await asyncio.sleep(0.05)
    served = await send(gateway, request(GET))

    assert (refused.statuses, refused.closed) == ([503], True)
    assert "retry-after: 1" in refused.head
    assert served.statuses == [200]


# --- what takes too long --------------------------------------------------------------------------

PATIENCE = {"HTTP_HEAD_SECONDS": "0.4", "HTTP_BODY_SECONDS": "0.4", "HTTP_WRITE_SECONDS": "0.4"}


@pytest.mark.parametrize(
    ("what", "begin", "drop"),
    [
        ("nothing", b"", b""),
        ("a head", request(GET)[:-2], b"X-A: b\r\n"),
        ("a body", request(POST, "Content-Length: 1000"), b"x"),
        ("chunks", request(POST, CHUNKED), b"1\r\nx\r\n"),
        ("empty lines after a request", request(GET), b"\r\n"),
    ],
)
async def test_a_client_that_sends_drop_by_drop_is_cut_off(
    start_gateway: StartGateway, what: str, begin: bytes, drop: bytes
) -> None:
    gateway = start_gateway(**PATIENCE).address
    began = time.monotonic()

    received = await send(gateway, begin, *[drop] * 20, pause=0.1, wait=1.5)

    assert received.closed, what
    assert received.statuses[-1] == 408
    assert time.monotonic() - began < 4


async def test_slow_clients_keep_nobody_else_waiting(start_gateway: StartGateway) -> None:
    gateway = start_gateway(**PATIENCE).address
    slow = [
        asyncio.create_task(send(gateway, *[b"G", b"E", b"T"], pause=0.3, wait=1.0))
        for _ in range(100)
    ]
    await asyncio.sleep(0.1)

    waits = []
    for _ in range(20):
        began = time.monotonic()
        assert (await send(gateway, request(GET, "Connection: close"))).statuses == [200]
        waits.append(time.monotonic() - began)
    ended = await asyncio.gather(*slow)

    assert sorted(waits)[18] < 0.25
    assert all(each.closed and each.statuses == [408] for each in ended)


async def test_connections_are_looked_after_once_however_many_have_come_and_gone(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    look = guarding.GuardedProtocol._look

    def counted(connection: guarding.GuardedProtocol) -> None:
        nonlocal looks
        looks += 1
        look(connection)

    monkeypatch.setattr(guarding.GuardedProtocol, "_look", counted)
    gateway = start_gateway(HTTP_HEAD_SECONDS="2").address
    for _ in range(20):
        assert (await send(gateway, request(GET, "Connection: close"))).statuses == [200]

    held = [send(gateway, request(GET), request(GET), pause=1.1)]
    await asyncio.sleep(0)
    began, looks = time.monotonic(), 0
    await asyncio.gather(*held)

    assert looks <= 2 * (time.monotonic() - began) + 2


async def test_a_client_that_does_not_read_is_cut_off(
    start_gateway: StartGateway, stage: Stage
) -> None:
    async def play(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 30_000_000)

    stage.play = play
    gateway = start_gateway(**PATIENCE).address
    where = gateway.removeprefix("http://").split(":")
    before = guarding.refusals["too-slow"]
    _, writer = await asyncio.open_connection(where[0], int(where[1]), limit=1024)
    writer.write(request(GET))
    await writer.drain()

    async with asyncio.timeout(5):
        while guarding.refusals["too-slow"] == before:
            await asyncio.sleep(0.05)
    writer.close()
