"""A service that hangs, breaks off, answers garbage or 500, at rates from a tenth to always.

What its clients see, how long they wait, and that the clients of another service do not notice;
at the end it is printed as a table.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from shop.gateway.routes import Routes
from tests.integration.gateway.conftest import StartGateway
from tests.support.stage import Play, Stage

DEADLINE = 1.5
REQUESTS, CLIENTS = 100, 5
SEEN = {
    "hang": {200, 503, 504},
    "break off": {200, 502, 503},
    "garbage": {200, 502, 503},
    "500": {200, 500, 503},
}


@dataclass(slots=True)
class Ends:
    """How requests ended: their statuses and waits."""

    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    def wait(self, share: float) -> float:
        """The share's quantile of the waits, in seconds."""
        return sorted(self.waits)[min(int(share * len(self.waits)), len(self.waits) - 1)]

    def __str__(self) -> str:
        """Statuses with their share, the most frequent first."""
        total = self.statuses.total()
        return " ".join(
            f"{status}: {100 * count / total:.0f} %"
            for status, count in self.statuses.most_common()
        )


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Rows that are printed when all tests have added theirs."""
    head = "RATE  ITS CLIENTS SEE                            p50     p99  SENT AGAIN  OTHERS p99"
    rows = [f"{'FAULT':<11} {head}"]
    yield rows
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n\n" + "\n".join(rows))  # noqa: T201 - it is what the suite shows


@pytest.fixture
async def faulty() -> AsyncIterator[Stage]:
    """The service that fails."""
    async with Stage().open() as it:
        yield it


def failing(fault: str, rate: float) -> Play:
    """Fail at the rate, spread evenly: a random one would not repeat."""
    count = 0

    async def play(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        if int(count * rate) == int((count - 1) * rate):
            return web.json_response({"ok": True})
        if fault == "500":
            return web.json_response({"title": "Something went wrong"}, status=500)
        if fault == "hang":
            await asyncio.sleep(30)
        assert request.transport is not None
        if fault == "garbage":
            request.transport.write(b"220 mail.example ESMTP\r\n\r\n")
            await asyncio.sleep(0.01)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    return play


async def ask(client: aiohttp.ClientSession, url: str, ends: Ends, times: int) -> None:
    """Ask one request after the other, and see that each answer is one that may be shown."""
    for _ in range(times):
        began = time.monotonic()
        async with client.get(url) as answer:
            body = await answer.read()
        ends.waits.append(time.monotonic() - began)
        ends.statuses[answer.status] += 1
        if answer.status in (502, 503, 504):
            problem = json.loads(body)
            assert answer.content_type == "application/problem+json"
            assert problem["status"] == answer.status
            assert int(answer.headers["Retry-After"]) >= 1
            assert b"127.0.0.1" not in body
            assert b"Traceback" not in body


async def both(gateway: str, faulty: Stage, play: Play) -> tuple[Ends, Ends]:
    """Ask the service that plays this, and another one at the same time."""
    its, others = Ends(), Ends()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        await ask(client, gateway + "/api/orders", Ends(), 1)  # It is awake.
        faulty.asked.clear()
        faulty.play = play
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(ask(client, gateway + "/api/orders", its, REQUESTS // CLIENTS))
            for _ in range(2):
                group.create_task(ask(client, gateway + "/api/products", others, 40))
    return its, others


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("fault", SEEN)
async def test_a_faulty_service_is_the_matter_of_its_own_clients(
    start_gateway: StartGateway, stage: Stage, faulty: Stage, table: list[str], fault: str,
    rate: float,
) -> None:  # fmt: skip
    addresses = dict.fromkeys(Routes.load().services, stage.address)
    addresses["list-orders"] = faulty.address
    gateway = start_gateway(
        UPSTREAMS=json.dumps(addresses), GATEWAY_DEADLINE_SECONDS=str(DEADLINE)
    ).address
    _, undisturbed = await both(gateway, faulty, faulty.answer_json)
    its, others = await both(gateway, faulty, failing(fault, rate))

    sent_again = max(0, len(faulty.asked) - its.statuses.total())
    table.append(
        f"{fault:<10} {rate:>5.0%}  {its!s:<38} {its.wait(0.5) * 1000:>4.0f} ms "
        f"{its.wait(0.99) * 1000:>4.0f} ms  {sent_again:>10}  {others.wait(0.99) * 1000:>7.0f} ms"
    )
    assert set(its.statuses) <= SEEN[fault]
    assert its.wait(1.0) < DEADLINE + 0.7
    assert sent_again <= 0.1 * 2 * REQUESTS + 1, "a tenth of all that was sent to it so far"
    assert set(others.statuses) == {200}
    assert others.wait(0.99) < max(0.3, 3 * undisturbed.wait(0.99))
    if rate == 1.0:
        assert its.statuses[503] > its.statuses.total() / 2, "it is left alone"
        assert its.wait(0.5) < 0.2, "most of its clients need not wait"
