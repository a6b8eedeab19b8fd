import asyncio
import gzip
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.integration.gateway.conftest import StartGateway
from tests.support.stage import Play, Stage

Client = aiohttp.ClientSession

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def answering(**answer: Any) -> Play:
    async def play(_: web.Request) -> web.StreamResponse:
        return web.Response(**answer)

    return play


# --- what is forwarded ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "forwarded"),
    [
        ("GET", "/api/products", "/products"),
        ("GET", "/api/products/7", "/products/7"),
        ("PUT", "/api/products/7", "/products/7"),
        ("DELETE", "/api/products/7", "/products/7"),
        ("POST", "/api/orders/12/cancel", "/orders/12/cancel"),
        ("GET", "/api/%70roducts/%37", "/products/7"),
    ],
)
async def test_a_request_goes_to_its_function_without_the_prefix(
    client: Client, gateway: str, stage: Stage, method: str, path: str, forwarded: str
) -> None:
    async with client.request(method, URL(gateway + path, encoded=True)) as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": True})

    assert [(asked.method, asked.path) for asked in stage.asked] == [(method, forwarded)]


@pytest.mark.parametrize(
    "query",
    [
        "q=a%20b+c", "q=%2B%26%3D%23%25%3B", "q=%C3%A9", "q=%FF", "q=%00", "a=1&a=2&b=", "q=%2526",
        "q=%zz", "q=a|b^c", "after=WzFd&limit=1", "?", "&&", "q=%e9%20",
    ],
)  # fmt: skip
async def test_a_query_arrives_as_it_was_sent(
    client: Client, gateway: str, stage: Stage, query: str
) -> None:
    async with client.get(URL(f"{gateway}/api/products?{query}", encoded=True)) as answer:
        assert answer.status == 200

    assert stage.asked[0].path == f"/products?{query}"


async def test_headers_arrive_but_those_of_the_connection(
    client: Client, gateway: str, stage: Stage
) -> None:
    kept = {
        "Accept": "application/json", "Accept-Encoding": "gzip", "Authorization": "Bearer x.y.z",
        "Cookie": "a=1; b=2", "Idempotency-Key": "k", "If-None-Match": '"1.2"',
        "User-Agent": "test/1", "X-Other": "1",
    }  # fmt: skip
    dropped = {
        "Connection": "keep-alive, X-Dropped", "Keep-Alive": "timeout=5", "Proxy-Connection": "x",
        "Proxy-Authorization": "x", "TE": "trailers", "Upgrade": "h2c", "X-Dropped": "1",
        "Forwarded": "for=1.2.3.4",
    }  # fmt: skip

    async with client.get(gateway + "/api/products", headers=kept | dropped) as answer:
        assert answer.status == 200

    (asked,) = stage.asked
    assert {name: asked.header(name) for name in kept} == kept
    for name in dropped:
        assert asked.header(name) in (None, "keep-alive"), name
    assert asked.header("host") == urlsplit(stage.address).netloc


async def test_nobody_can_say_who_he_is_or_where_he_comes_from(
    client: Client, gateway: str, stage: Stage
) -> None:
    forged = {
        "Shop-Account": "admin", "shop-roles": "admin", "SHOP-Anything": "x",
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil",
        "Function-Execution-Id": "x", "Shop-Deadline": "1",
    }  # fmt: skip

    async with client.get(gateway + "/api/products", headers=forged) as answer:
        assert answer.status == 200

    (asked,) = stage.asked
    own = [(name, value) for name, value in asked.headers if name.lower().startswith("shop-")]
    assert [name for name, _ in own] == ["shop-deadline"]
    assert 0 < int(own[0][1]) / 1000 - time.time() < 5
    assert asked.header("x-forwarded-for") == "127.0.0.1"
    assert asked.header("x-forwarded-host") == urlsplit(gateway).netloc
    assert asked.header("x-forwarded-proto") == "http"
    assert asked.header("x-forwarded-prefix") == "/api"
    assert asked.header("function-execution-id") is None


async def test_the_request_id_and_the_trace_are_handed_on(
    client: Client, gateway: str, stage: Stage
) -> None:
    headers = {"X-Request-Id": "abc", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    async with client.get(gateway + "/api/products", headers=headers) as answer:
        assert answer.headers.getall("x-request-id") == ["abc"]
    async with client.get(gateway + "/api/products") as answer:
        made = answer.headers["x-request-id"]

    given, new = stage.asked
    assert given.header("x-request-id") == "abc"
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", given.header("traceparent") or "")
    assert given.header("traceparent") != headers["traceparent"]
    assert new.header("x-request-id") == made
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", new.header("traceparent") or "")


async def test_a_header_that_comes_twice_arrives_twice(
    client: Client, gateway: str, stage: Stage
) -> None:
    async with client.get(
        gateway + "/api/products", headers=[("X-Other", "1"), ("X-Other", "2")]
    ) as answer:
        assert answer.status == 200

    assert [v for n, v in stage.asked[0].headers if n.lower() == "x-other"] == ["1", "2"]


@pytest.mark.parametrize("status", [200, 201, 400, 404, 409, 412, 422, 500, 503])
async def test_an_answer_comes_back_with_its_headers_but_those_of_the_connection(
    client: Client, gateway: str, stage: Stage, status: int
) -> None:
    sent = CIMultiDict(
        [
            ("Content-Type", "application/problem+json"), ("ETag", '"1.2"'), ("Location", "/api/x"),
            ("Link", '</api/products?after=x>; rel="next"'), ("Retry-After", "1"),
            ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Request-Id", "theirs"),
            ("Keep-Alive", "timeout=1"), ("Proxy-Authenticate", "Basic"), ("X-Private", "1"),
            ("Connection", "keep-alive, X-Private"), ("Server", "theirs"),
        ]
    )  # fmt: skip
    stage.play = answering(status=status, body=b'{"a": 1}', headers=sent)

    async with client.get(gateway + "/api/products") as answer:
        body = await answer.read()

    assert (answer.status, body) == (status, b'{"a": 1}')
    for name in ("Content-Type", "ETag", "Location", "Link", "Retry-After"):
        assert answer.headers.getall(name) == [sent[name]]
    assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers.getall("Content-Length") == ["8"]
    assert len(answer.headers.getall("Date")) == 1
    for name in ("Keep-Alive", "Proxy-Authenticate", "X-Private", "Server"):
        assert name not in answer.headers
    assert answer.headers.getall("X-Request-Id") != ["theirs"]


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_stays_without_one(
    client: Client, gateway: str, stage: Stage, status: int
) -> None:
    stage.play = answering(status=status, headers={"ETag": '"1.2"'})

    async with client.get(gateway + "/api/products/1") as answer:
        assert (answer.status, await answer.read(), answer.headers["ETag"]) == (
            status, b"", '"1.2"',
        )  # fmt: skip


async def test_a_redirection_is_the_clients_to_follow(
    client: Client, gateway: str, stage: Stage
) -> None:
    stage.play = answering(status=302, headers={"Location": "/elsewhere"})

    async with client.get(gateway + "/api/products", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")
    assert len(stage.asked) == 1


async def test_an_encoded_answer_is_not_decoded_on_its_way(
    client: Client, gateway: str, stage: Stage
) -> None:
    packed = gzip.compress(b"x" * 1000)
    stage.play = answering(body=packed, headers={"Content-Encoding": "gzip"})

    async with client.get(gateway + "/api/products") as answer:
        assert (answer.headers["Content-Encoding"], await answer.read()) == ("gzip", packed)


@pytest.mark.parametrize("size", [10, 200_000])
async def test_head_is_answered_with_the_length_and_without_the_body(
    client: Client, gateway: str, stage: Stage, size: int
) -> None:
    stage.play = answering(body=b"x" * size)

    async with client.head(gateway + "/api/products") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert answer.headers.getall("Content-Length") == [str(size)]
    async with client.get(gateway + "/api/products") as answer:
        assert len(await answer.read()) == size
    assert [asked.method for asked in stage.asked] == ["HEAD", "GET"]


# --- bodies ---------------------------------------------------------------------------------------


async def in_pieces(body: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 1_000_000, 1_048_576])
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_arrives_whole(
    client: Client, gateway: str, stage: Stage, size: int, *, declared: bool
) -> None:
    body = bytes(n % 251 for n in range(size))

    async with client.post(
        gateway + "/api/products", data=body if declared else in_pieces(body)
    ) as answer:
        assert answer.status == 200

    assert stage.asked[0].body == body
    if declared:
        assert stage.asked[0].header("content-length") == str(size)


async def test_a_body_that_is_too_long_is_refused_before_it_is_sent_on(
    client: Client, gateway: str, stage: Stage
) -> None:
    async with client.post(gateway + "/api/products", data=b"x" * 1_048_577) as answer:
        document = await answer.json(content_type="application/problem+json")

    assert (answer.status, document["type"]) == (413, "/problems/too-large")
    assert stage.asked == []


async def test_a_body_of_unknown_length_that_gets_too_long_is_refused(
    client: Client, gateway: str, stage: Stage
) -> None:
    async with client.post(gateway + "/api/products", data=in_pieces(b"x" * 1_500_000)) as answer:
        document = await answer.json(content_type="application/problem+json")

    assert (answer.status, document["type"]) == (413, "/problems/too-large")
    assert stage.asked == []


@pytest.mark.parametrize("declared", [True, False])
async def test_a_long_body_flows_and_is_not_gathered_first(
    client: Client, gateway: str, stage: Stage, *, declared: bool
) -> None:
    arrived = asyncio.Event()
    total = 100_000

    async def play(request: web.Request) -> web.StreamResponse:
        taken = 0
        async for piece in request.content.iter_any():
            taken += len(piece)
            if taken >= total // 2:
                arrived.set()
        return web.json_response({"taken": taken})

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * (total // 2)
        async with asyncio.timeout(5):
            await arrived.wait()
        yield b"x" * (total // 2)

    stage.play, stage.reads = play, False
    headers = {"Content-Length": str(total)} if declared else {}
    async with client.post(gateway + "/api/products", data=body(), headers=headers) as answer:
        assert await answer.json() == {"taken": total}


async def test_an_answer_of_unknown_length_flows_piece_by_piece(
    client: Client, gateway: str, stage: Stage
) -> None:
    received = [asyncio.Event() for _ in range(3)]

    async def play(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for number, event in enumerate(received):
            await answer.write(f"piece {number};".encode())
            async with asyncio.timeout(5):
                await event.wait()
        return answer

    stage.play = play
    pieces = []
    async with client.get(gateway + "/api/products") as answer:
        async for piece in answer.content.iter_any():
            pieces.append(piece)
            received[len(pieces) - 1].set()

    assert pieces == [b"piece 0;", b"piece 1;", b"piece 2;"]


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_large_answer_comes_whole(
    client: Client, gateway: str, stage: Stage, *, chunked: bool
) -> None:
    whole = bytes(n % 251 for n in range(3_000_000))

    async def play(_: web.Request) -> web.StreamResponse:
        answer = web.Response(body=whole)
        if chunked:
            answer.enable_chunked_encoding()
        return answer

    stage.play = play

    async with client.get(gateway + "/api/products") as answer:
        assert await answer.read() == whole


async def test_an_answer_that_breaks_off_on_its_way_is_broken_for_the_client_too(
    client: Client, gateway: str, stage: Stage
) -> None:
    async def play(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"the first half")
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
        return answer

    stage.play = play
    with pytest.raises(aiohttp.ClientError):
        async with client.get(gateway + "/api/products") as answer:
            await answer.read()


# --- services that fail ---------------------------------------------------------------------------


async def problem(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    document = await answer.json(content_type="application/problem+json")
    assert document["status"] == answer.status
    assert "127.0.0.1" not in document["detail"]
    return answer.status, document["type"].removeprefix("/problems/")


async def test_a_service_that_is_down_is_503(client: Client, start_gateway: StartGateway) -> None:
    down = '{"list-products": "http://127.0.0.1:1"}'
    gateway = start_gateway(UPSTREAMS=down).address

    async with client.get(gateway + "/api/products") as answer:
        assert await problem(answer) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1


async def test_a_service_that_hangs_is_504_within_the_deadline(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    async def play(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    stage.play = play
    gateway = start_gateway(GATEWAY_DEADLINE_SECONDS="0.3").address
    began = time.monotonic()

    async with client.post(gateway + "/api/products", data=b"{}") as answer:
        assert await problem(answer) == (504, "deadline-passed")
        assert "Retry-After" in answer.headers

    assert 0.3 <= time.monotonic() - began < 1.5
    assert len(stage.asked) == 1


async def test_a_service_that_hangs_up_is_502(client: Client, gateway: str, stage: Stage) -> None:
    async def play(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    stage.play = play
    async with client.post(gateway + "/api/orders", data=b"{}") as answer:
        assert await problem(answer) == (502, "bad-gateway")
    assert len(stage.asked) == 1


async def test_a_service_that_does_not_speak_http_is_502(
    client: Client, start_gateway: StartGateway
) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = start_gateway(UPSTREAMS=f'{{"list-products": "http://127.0.0.1:{port}"}}').address
    async with server, client.get(gateway + "/api/products") as answer:
        assert await problem(answer) == (502, "bad-gateway")


async def test_a_connection_that_a_service_closed_meanwhile_is_not_used_again(
    client: Client, gateway: str, stage: Stage
) -> None:
    async def play(request: web.Request) -> web.StreamResponse:
        answer = web.Response(body=b"{}")
        await answer.prepare(request)
        await answer.write_eof()
        assert request.transport is not None
        asyncio.get_running_loop().call_later(0.02, request.transport.close)
        return answer

    stage.play = play
    for _ in range(5):
        async with client.post(gateway + "/api/products", data=b"{}") as answer:
            assert answer.status == 200
        await asyncio.sleep(0.05)


# --- what the gateway answers itself --------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/products/", "/api/products/x", "/nothing",
             "/api/reservations", "/reservations", "/api/products/9223372036854775808",
             "/api/../health", "/metrics/x"],
)  # fmt: skip
async def test_what_is_no_route_is_404_and_reaches_nobody(
    client: Client, gateway: str, stage: Stage, path: str
) -> None:
    async with client.get(URL(gateway + path, encoded=True)) as answer:
        assert await problem(answer) == (404, "not-found")
    assert stage.asked == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/api/products/1", "DELETE, GET, HEAD, PUT"),
        ("DELETE", "/api/orders", "GET, HEAD, POST"),
        ("GET", "/api/orders/1/cancel", "POST"),
        ("OPTIONS", "/api/products", "GET, HEAD, POST"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_another_method_is_405_and_reaches_nobody(
    client: Client, gateway: str, stage: Stage, method: str, path: str, allowed: str
) -> None:
    async with client.request(method, gateway + path) as answer:
        assert await problem(answer) == (405, "method-not-allowed")
        assert answer.headers["Allow"] == allowed
    assert stage.asked == []


async def test_the_document_of_the_api_and_its_page_are_served(
    client: Client, gateway: str, stage: Stage
) -> None:
    async with client.get(gateway + "/openapi.json") as answer:
        document = await answer.json()
    async with client.get(gateway + "/docs") as answer:
        page = await answer.text()
        assert answer.headers["Content-Type"].startswith("text/html")
    async with client.get(gateway + "/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "/docs")

    assert document["openapi"].startswith("3.")
    assert "/api/products/{id}" in document["paths"]
    assert "openapi.json" in page
    assert stage.asked == []


# --- health ---------------------------------------------------------------------------------------


async def health(client: Client, gateway: str, query: str = "") -> tuple[int, str, dict[str, str]]:
    async with client.get(gateway + "/health" + query) as answer:
        document = await answer.json()
        assert answer.headers["Cache-Control"] == "no-store"
    states = {name: service["state"] for name, service in document["services"].items()}
    return answer.status, document["status"], states


async def test_health_wakes_nothing_and_tells_what_was_seen(
    client: Client, gateway: str, stage: Stage
) -> None:
    status, word, states = await health(client, gateway)
    assert (status, word, set(states.values())) == (200, "ok", {"idle"})

    async with client.get(gateway + "/api/products"):
        pass
    _, _, states = await health(client, gateway)

    assert {name for name, state in states.items() if state == "up"} == {"list-products"}
    assert [asked.path for asked in stage.asked] == ["/products"]


async def test_health_leaves_out_what_no_route_leads_to(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    # The local platform names every function, the gateway too.
    addresses = f'{{"gateway": "{stage.address}", "list-products": "{stage.address}"}}'
    gateway = start_gateway(UPSTREAMS=addresses).address
    status, _, services = await health(client, gateway, "?probe=true")
    assert (status, services) == (200, {"list-products": "up"})


async def test_health_can_ask_every_service(client: Client, gateway: str, stage: Stage) -> None:
    status, word, states = await health(client, gateway, "?probe=true")

    assert (status, word, set(states.values())) == (200, "ok", {"up"})
    assert [asked.path for asked in stage.asked] == ["/health/ready"] * len(states)


async def test_a_service_that_failed_is_down_until_it_answers_again(
    client: Client, gateway: str, stage: Stage
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    stage.play = hang_up
    async with client.post(gateway + "/api/products", data=b"{}") as answer:
        assert answer.status == 502
    status, word, states = await health(client, gateway)
    assert (status, word, states["create-product"]) == (503, "degraded", "down")

    stage.play = stage.answer_json
    status, word, states = await health(client, gateway)
    assert (status, word, states["create-product"]) == (200, "ok", "up")


async def test_a_service_that_is_not_ready_is_down(
    client: Client, gateway: str, stage: Stage
) -> None:
    stage.play = answering(status=503)

    status, word, states = await health(client, gateway, "?probe=true")

    assert (status, word, set(states.values())) == (503, "degraded", {"down"})


async def test_an_answer_of_500_does_not_make_a_service_down(
    client: Client, gateway: str, stage: Stage
) -> None:
    stage.play = answering(status=500)
    async with client.get(gateway + "/api/products") as answer:
        assert answer.status == 500

    _, _, states = await health(client, gateway)

    assert states["list-products"] == "up"


# --- metrics --------------------------------------------------------------------------------------


async def test_requests_are_counted_by_route_and_errors_by_type(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(OTEL_METRICS_EXPORTER="prometheus").address
    for path in ("/api/products/1", "/api/products/2", "/api/products", "/wp-admin", "/health"):
        async with client.get(gateway + path):
            pass
    stage.play = answering(status=503)
    async with client.get(gateway + "/api/products/3"):
        pass

    async with client.get(gateway + "/metrics") as answer:
        lines = (await answer.text()).splitlines()

    def value(name: str, **labels: str) -> float:
        found = [
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith(name + "{")
            and all(f'{label}="{text}"' in line for label, text in labels.items())
        ]
        return sum(found)

    requests = "gateway_http_requests_total"
    assert value(requests, route="/api/products/{id}", status="200") == 2
    assert value(requests, route="/api/products/{id}", status="503") == 1
    assert value(requests, route="/api/products", status="200") == 1
    assert value(requests, route="/health", status="200") == 1
    assert value(requests, status="404") == 1
    seconds = "gateway_http_request_duration_seconds_count"
    assert value(seconds, route="/api/products/{id}") == 3
    assert not any("wp-admin" in line or "/api/products/1" in line for line in lines)


async def test_requests_that_cannot_be_passed_on_are_counted_as_errors(
    client: Client, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(
        UPSTREAMS='{"list-products": "http://127.0.0.1:1"}', OTEL_METRICS_EXPORTER="prometheus"
    ).address
    for path in ("/api/products", "/api/nothing"):
        async with client.get(gateway + path):
            pass

    async with client.get(gateway + "/metrics") as answer:
        lines = (await answer.text()).splitlines()

    errors = [
        line
        for line in lines
        if line.startswith("gateway_errors_total{") and not line.endswith(" 0.0")
    ]
    assert len(errors) == 2
    assert any('type="unavailable"' in line for line in errors)
    assert any('type="not-found"' in line for line in errors)
