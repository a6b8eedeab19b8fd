import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from itertools import islice

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from load.__main__ import load, main
from load.report import percentile, table
from load.run import Phase, ShopError, Stocked, spread


class StubShop:
    """Lists three products and takes orders, as slowly or badly as a test wants."""

    def __init__(self) -> None:
        self.url = URL()
        self.stocks = {1: 2, 2: 0, 3: 40}
        self.reads = 0
        self.ordered: Counter[int] = Counter()
        self.at_once = 0
        self.most_at_once = 0
        self.order_status = 201

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/api/products", self.list_products)
        application.router.add_post("/api/orders", self.create_order)
        return application

    async def list_products(self, request: web.Request) -> web.Response:
        self.reads += "in_stock" not in request.query
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        return web.json_response([{"id": id_, "stock": n} for id_, n in self.stocks.items()])

    async def create_order(self, request: web.Request) -> web.Response:
        order = await request.json()
        assert order["quantity"] == 1
        self.ordered[order["product_id"]] += 1
        return web.json_response({}, status=self.order_status)


@pytest.fixture
async def stub() -> AsyncIterator[StubShop]:
    shop = StubShop()
    async with TestServer(shop.application()) as server:
        shop.url = server.make_url("/")
        yield shop


async def test_as_many_requests_are_sent_as_asked_for(
    stub: StubShop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await load(stub.url, None, reads=60, orders=9, clients=4) == 0

    assert stub.reads == 60
    assert stub.most_at_once == 4
    assert stub.ordered.total() == 9
    output = capsys.readouterr().out
    assert "200 × 60" in output
    assert "201 × 9" in output


async def test_orders_are_spread_over_what_is_in_stock(stub: StubShop) -> None:
    await load(stub.url, None, reads=0, orders=10, clients=1)

    assert stub.ordered == {1: 2, 3: 8}


async def test_no_more_is_ordered_than_there_is(
    stub: StubShop, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.stocks = {1: 2, 3: 1}

    assert await load(stub.url, None, reads=0, orders=10, clients=2) == 0

    assert stub.ordered == {1: 2, 3: 1}
    assert "Only 3 of 10 orders were sent" in capsys.readouterr().err


async def test_an_empty_shop_cannot_take_orders(stub: StubShop) -> None:
    stub.stocks = {}

    assert await load(stub.url, None, reads=1, orders=1, clients=1) == 1


@pytest.mark.parametrize(("status", "code"), [(409, 0), (302, 0), (500, 1), (503, 1)])
async def test_only_a_server_error_fails_the_run(stub: StubShop, status: int, code: int) -> None:
    stub.order_status = status

    assert await load(stub.url, None, reads=1, orders=3, clients=2) == code


async def test_a_shop_that_is_not_up_is_one_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = URL(f"http://127.0.0.1:{unused.getsockname()[1]}")

        with pytest.raises(ShopError, match="No shop answers at"):
            await load(url, None, reads=1, orders=1, clients=1)


def test_another_machine_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SHOP_URL", raising=False)

    assert main(["--url", "http://shop.example"]) == 2

    assert capsys.readouterr().err.startswith("shop.example is refused")


def test_a_shop_on_other_ports_is_found_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SHOP_URL", raising=False)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("SHOP_PORT_OFFSET", str(port - 8080))

        assert main(["--reads=1", "--orders=0"]) == 1

    assert f"No shop answers at http://localhost:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--reads=-1", "--orders=1.5", "--clients=0", "--reads=1000000"])
def test_numbers_beyond_their_bounds_are_refused(option: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main([option])

    assert refused.value.code == 2


def test_pieces_are_taken_in_turns_until_none_is_left() -> None:
    stocked = [Stocked(1, 1), Stocked(2, 3), Stocked(3, 2)]

    assert list(islice(spread(stocked), 100)) == [1, 2, 3, 2, 3, 2]


def test_a_percentile_is_a_value_that_was_seen() -> None:
    hundred = [float(value) for value in range(1, 101)]

    assert [percentile(hundred, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7.0


def test_the_table_has_a_row_for_each_phase() -> None:
    reads = Phase("GET", 2.0, [0.001] * 99 + [0.25], Counter({200: 98, 304: 2}))
    orders = Phase("POST", 1.0, unanswered=3)

    lines = [" ".join(line.split()) for line in table([reads, orders]).splitlines()]

    assert lines == [
        "requests per second p50 ms p95 ms p99 ms max ms statuses",
        "GET 100 50 1.0 1.0 1.0 250.0 200 × 98, 304 × 2",
        "POST 3 0 - - - - no answer × 3",
    ]
    assert orders.failed
    assert not reads.failed
