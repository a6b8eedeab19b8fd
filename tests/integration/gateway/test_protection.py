"""Breakers, bulkheads and retries, with services that fail as a test tells them to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from shop.gateway.routes import Routes
from tests.integration.gateway.conftest import StartGateway
from tests.support.metrics import Samples, parse
from tests.support.stage import Play, Stage

Client = aiohttp.ClientSession
Ask = Callable[[], Awaitable[int]]


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Break the connection off."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.StreamResponse:
    """Do not answer."""
    await asyncio.sleep(30)
    return web.Response()


def once(play: Play, then: Play) -> Play:
    """One play for the first request, another for those after it."""
    plays = [play]

    async def chosen(request: web.Request) -> web.StreamResponse:
        return await (plays.pop() if plays else then)(request)

    return chosen


async def get(client: Client, url: str) -> int:
    async with client.get(url) as answer:
        await answer.read()
        return answer.status


async def scrape(client: Client, gateway: str) -> Samples:
    async with client.get(gateway + "/metrics") as answer:
        return parse(await answer.text())


async def breaker(client: Client, gateway: str, service: str) -> str:
    async with client.get(gateway + "/health") as answer:
        document = await answer.json()
    return str(document["services"][service]["breaker"])


# --- breakers -------------------------------------------------------------------------------------


async def test_a_service_that_fails_is_left_alone_until_it_answers_again(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(OTEL_METRICS_EXPORTER="prometheus").address
    url = gateway + "/api/products/1"
    assert await get(client, url) == 200
    assert await breaker(client, gateway, "update-product") == "closed"
    stage.play = hang_up
    failed = []
    for _ in range(8):
        async with client.put(url, json={}) as answer:
            failed.append(answer.status)
            last = answer
    assert failed[0] == 502

    stage.play = stage.answer_json
    async with client.put(url, json={}) as answer:
        first = answer.status
    assert first == 200, "a service that was never seen well has time to wake"
    stage.play = hang_up
    asked = len(stage.asked)
    for _ in range(8):
        async with client.put(url, json={}) as answer:
            last, document = answer, await answer.json(content_type=None)

    assert len(stage.asked) - asked == 5
    assert (last.status, document["type"]) == (503, "/problems/unavailable")
    assert int(last.headers["Retry-After"]) >= 1
    assert await breaker(client, gateway, "update-product") == "open"
    assert await breaker(client, gateway, "get-product") == "closed"
    assert await get(client, url) in (200, 502)
    metrics = await scrape(client, gateway)
    assert metrics.value("gateway_breaker_state", service="update-product") == 2
    assert metrics.value("gateway_breaker_openings_total", service="update-product") == 1
    assert metrics.value("gateway_refused_requests_total", reason="breaker") == 3

    stage.play = stage.answer_json
    await asyncio.sleep(1.1)
    assert await breaker(client, gateway, "update-product") == "half-open"
    async with client.put(url, json={}) as answer:
        assert answer.status == 200
    assert await breaker(client, gateway, "update-product") == "closed"


async def test_a_service_that_is_starting_opens_no_breaker(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    """Its port refuses connections, or what stands before it answers that nobody is there."""
    refused = dict.fromkeys(Routes.load().services, stage.address)
    refused["list-products"] = "http://127.0.0.1:1"
    gateway = start_gateway(UPSTREAMS=json.dumps(refused)).address

    async def nobody(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="no healthy upstream")

    stage.play = nobody
    for path in ("/api/products", "/api/products/1"):
        assert {await get(client, gateway + path) for _ in range(12)} == {503}

    assert await breaker(client, gateway, "list-products") == "closed"
    assert await breaker(client, gateway, "get-product") == "closed"


async def test_a_client_who_is_slow_opens_no_breaker(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(GATEWAY_DEADLINE_SECONDS="0.3").address
    async with client.post(gateway + "/api/products", json={}) as answer:
        assert answer.status == 200
    stage.reads = False

    async def reading(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.json_response({})

    stage.play = reading

    async def slow() -> int:
        async def body() -> AsyncIterator[bytes]:
            yield b"x" * 70_000
            await asyncio.sleep(0.6)
            yield b"x" * 70_000

        try:
            async with client.post(gateway + "/api/products", data=body()) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0

    ends = await asyncio.gather(*(slow() for _ in range(7)))

    assert 200 not in ends
    assert await breaker(client, gateway, "create-product") == "closed"


# --- bulkheads ------------------------------------------------------------------------------------


async def test_a_service_that_hangs_takes_no_other_along(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    async def play(request: web.Request) -> web.StreamResponse:
        return await (hang if request.path == "/orders" else stage.answer_json)(request)

    stage.play = play
    gateway = start_gateway(
        UPSTREAM_IN_FLIGHT="20", UPSTREAM_QUEUE="10", GATEWAY_DEADLINE_SECONDS="3",
        OTEL_METRICS_EXPORTER="prometheus",
    ).address  # fmt: skip
    before = await waits(client, gateway + "/api/products")

    flood = [asyncio.create_task(get(client, gateway + "/api/orders")) for _ in range(90)]
    metrics = await scrape(client, gateway)
    while metrics.value("gateway_refused_requests_total", reason="bulkhead") < 60:
        await asyncio.sleep(0.02)
        metrics = await scrape(client, gateway)
    during = await waits(client, gateway + "/api/products")
    ends = await asyncio.gather(*flood)

    assert during < max(0.15, 3 * before)
    assert ends.count(503) >= 60
    assert set(ends) <= {503, 504}
    assert metrics.value("gateway_upstream_in_flight", service="list-orders") == 20
    assert metrics.value("gateway_upstream_queued", service="list-orders") == 10
    assert metrics.value("gateway_refused_requests_total", reason="bulkhead") == 60
    assert sum(asked.path == "/orders" for asked in stage.asked) <= 30


async def waits(client: Client, url: str) -> float:
    """The 99th percentile of a hundred waits, one after another."""
    found = []
    for _ in range(100):
        began = time.monotonic()
        assert await get(client, url) == 200
        found.append(time.monotonic() - began)
    return sorted(found)[98]


# --- retries --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "key", "repeated"),
    [
        ("GET", "/api/products", False, True),
        ("HEAD", "/api/products/1", False, True),
        ("POST", "/api/orders", True, True),
        ("POST", "/api/orders", False, False),
        ("PUT", "/api/products/1", False, False),
        ("PUT", "/api/products/1", True, False),
        ("DELETE", "/api/products/1", False, False),
    ],
)
async def test_only_what_has_one_effect_is_sent_again(
    client: Client, gateway: str, stage: Stage, method: str, path: str, *, key: bool, repeated: bool
) -> None:
    stage.play = once(hang_up, stage.answer_json)
    headers = {"Idempotency-Key": "k"} if key else {}
    async with client.request(method, gateway + path, headers=headers, json={}) as answer:
        status = answer.status

    assert (status, len(stage.asked)) == ((200, 2) if repeated else (502, 1))


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (502, {}, 2),
        (503, {}, 2),
        (503, {"Retry-After": "1"}, 1),
        (500, {}, 1),
        (504, {}, 1),
        (404, {}, 1),
    ],
)
async def test_what_a_function_says_itself_is_believed(
    client: Client, gateway: str, stage: Stage, status: int, headers: dict[str, str], asked: int
) -> None:
    async def failing(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    stage.play = failing

    assert await get(client, gateway + "/api/products") == status
    assert len(stage.asked) == asked


async def test_an_answer_that_is_dropped_for_another_holds_no_place(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    """What stands on the way may answer in chunks, which the gateway does not gather."""
    gateway = start_gateway(OTEL_METRICS_EXPORTER="prometheus", UPSTREAM_IN_FLIGHT="2").address

    async def in_chunks(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=503)
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        await answer.write(b"no healthy upstream")
        return answer

    stage.play = once(in_chunks, stage.answer_json)
    assert await get(client, gateway + "/api/products") == 200
    assert len(stage.asked) == 2
    metrics = await scrape(client, gateway)

    assert metrics.value("gateway_upstream_in_flight", service="list-products") == 0


async def test_where_everything_fails_no_more_than_a_tenth_is_sent_again(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(OTEL_METRICS_EXPORTER="prometheus").address
    stage.play = hang_up

    ends = [await get(client, gateway + "/api/products") for _ in range(150)]
    metrics = await scrape(client, gateway)

    assert set(ends) <= {502, 503}
    assert len(stage.asked) <= 150 * 1.1 + 1
    sent = metrics.value("gateway_retries_total", service="list-products", outcome="sent")
    assert 1 <= sent <= 16
    assert metrics.value("gateway_retries_total", outcome="over-budget") >= 100


# --- deadlines ------------------------------------------------------------------------------------


async def test_a_function_is_told_until_when_somebody_waits(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(GATEWAY_DEADLINE_SECONDS="4").address
    stage.play = once(hang_up, stage.answer_json)
    began = time.time()

    assert await get(client, gateway + "/api/products") == 200

    first, second = (int(asked.header("shop-deadline") or 0) / 1000 for asked in stage.asked)
    assert began + 3 < first <= began + 4.2
    assert abs(second - first) < 0.05, "the second try has no more time than the first one had"
