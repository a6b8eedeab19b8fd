import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import bench
from bench.load import PYTHON_GENERATOR, Answers, Load, build_go, send

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Target:
    """Answers products with a length and orders in chunks; every fourth order is refused."""

    def __init__(self) -> None:
        self.address = ""
        self.products: Counter[str] = Counter()
        self.orders: list[dict[str, str | int]] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/products/{id}", self.get_product)
        application.router.add_post("/orders", self.create_order)
        return application

    async def get_product(self, request: web.Request) -> web.Response:
        self.products[request.match_info["id"]] += 1
        return web.json_response({"id": request.match_info["id"]})

    async def create_order(self, request: web.Request) -> web.StreamResponse:
        self.orders.append(await request.json())
        status = 409 if len(self.orders) % 4 == 0 else 201
        response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b'{"status": ')
        await response.write(b'"known"}')
        await response.write_eof()
        return response


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    found = Target()
    async with TestServer(found.application()) as server:
        found.address = f"127.0.0.1:{server.port}"
        yield found


@pytest.fixture(scope="module", params=["go", "python"])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    if request.param == "python":
        return PYTHON_GENERATOR
    binary = build_go(Path(bench.__file__).parent / "loadgen", "loadgen")
    if binary is None:
        pytest.skip("there is no Go toolchain")
    return (str(binary),)


async def sent(load: Load, command: tuple[str, ...]) -> Answers:
    return await asyncio.to_thread(send, load, core=None, command=command)


async def test_a_closed_loop_counts_what_the_server_has_answered(
    target: Target, command: tuple[str, ...]
) -> None:
    answers = await sent(
        Load(
            address=target.address, path="/products/{n}", connections=3, seconds=0.5, warmup=0,
            low=5, high=7,
        ),
        command,
    )  # fmt: skip

    assert set(target.products) == {"5", "6", "7"}
    # Those that were under way at the end are answered and not counted.
    assert 0 <= target.products.total() - answers.requests <= 3
    assert answers.statuses == {"200": answers.requests}
    assert answers.rate == pytest.approx(answers.requests / 0.5)
    assert 0 < answers.latency_ms["p50"] <= answers.latency_ms["p99"] <= answers.latency_ms["max"]
    assert answers.failures == 0


async def test_answers_in_chunks_are_read_and_refused_ones_are_failures(
    target: Target, command: tuple[str, ...]
) -> None:
    answers = await sent(
        Load(
            address=target.address, path="/orders", method="POST", seconds=0.3, warmup=0,
            connections=1, high=1, expect=201,
            body='{"reservation_id": "{uuid}", "product_id": {n}}',
        ),
        command,
    )  # fmt: skip

    assert answers.requests > 8
    assert answers.failures == answers.statuses["409"] == answers.requests // 4
    assert "409" in answers.examples[0]
    assert "known" in answers.examples[0]
    assert all(UUID.fullmatch(str(order["reservation_id"])) for order in target.orders)
    assert len({order["reservation_id"] for order in target.orders}) == len(target.orders)


async def test_a_schedule_sends_as_many_a_second_as_asked_for(
    target: Target, command: tuple[str, ...]
) -> None:
    load = Load(
        address=target.address, path="/products/1", connections=4, seconds=1, warmup=0.2, rate=40
    )

    answers = await sent(load, command)

    assert answers.requests == pytest.approx(40, abs=1)
    assert sum(answers.per_second) == answers.requests


async def test_a_server_that_is_not_there_is_an_error_and_not_a_rate(
    command: tuple[str, ...], unused_tcp_port: int
) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"

    answers = await sent(Load(address=address, path="/", seconds=0.2, warmup=0), command)

    assert answers.requests == 0
    assert answers.errors > 0
    assert answers.failures == answers.errors
