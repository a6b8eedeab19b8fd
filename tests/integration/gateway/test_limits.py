"""Rate limits as a client meets them, alone and shared through a real Redis."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from local import debian
from tests.integration.gateway.conftest import StartGateway
from tests.support.metrics import parse
from tests.support.postgres import free_port
from tests.support.stage import Stage
from tests.support.trust import trusting

Client = aiohttp.ClientSession


class Redis:
    """A redis-server of this machine."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with nothing in it."""
        self._child = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while b"PONG" not in self._ping():
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def _ping(self) -> bytes:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(100)
        return b""


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A Redis that runs, and is waited for on a machine that is busy."""
    monkeypatch.setattr("shop.gateway.ratelimits._REDIS_SECONDS", 5.0)
    if shutil.which("redis-server") is None and not debian.in_ci():
        pytest.skip("needs redis-server")
    it = Redis(tmp_path)
    it.start()
    yield it
    it.kill()


async def statuses(client: Client, gateway: str, times: int, path: str = "/api/products") -> str:
    """The answers to requests one after another, as `200 200 429`."""
    found = []
    for _ in range(times):
        async with client.get(gateway + path) as answer:
            found.append(str(answer.status))
    return " ".join(found)


async def test_who_asks_too_often_is_told_when_to_come_back(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(RATE_LIMITS="on", RATE_LIMIT_READ="3/minute").address

    assert await statuses(client, gateway, 3) == "200 200 200"
    async with client.get(gateway + "/api/products") as answer:
        document = await answer.json(content_type="application/problem+json")
        headers = answer.headers

    assert (answer.status, document["type"]) == (429, "/problems/too-many-requests")
    assert 1 <= int(headers["Retry-After"]) <= 60
    assert headers.getall("RateLimit-Policy") == ['"read";q=3;w=60']
    assert headers["RateLimit"].startswith('"read";r=0;t=')
    assert len(stage.asked) == 3


async def test_every_answer_says_what_is_left(client: Client, start_gateway: StartGateway) -> None:
    gateway = start_gateway(RATE_LIMITS="on", RATE_LIMIT_READ="10/minute").address

    for left, path in ((9, "/api/products"), (8, "/api/nothing"), (7, "/health")):
        async with client.get(gateway + path) as answer:
            assert answer.headers["RateLimit"].startswith(f'"read";r={left};t=')
            assert answer.headers["RateLimit-Policy"] == '"read";q=10;w=60'


async def test_the_replay_of_a_key_counts_too(client: Client, start_gateway: StartGateway) -> None:
    gateway = start_gateway(RATE_LIMITS="on", RATE_LIMIT_WRITE="2/minute").address
    found = []
    for _ in range(3):
        async with client.post(
            gateway + "/api/orders", json={}, headers={"Idempotency-Key": "k"}
        ) as answer:
            found.append(answer.status)

    assert found == [200, 200, 429]


async def test_operators_are_not_limited(client: Client, start_gateway: StartGateway) -> None:
    gateway = start_gateway(RATE_LIMITS="on", RATE_LIMIT_READ="1/minute").address

    assert await statuses(client, gateway, 5, "/health/ready") == "200 200 200 200 200"


async def test_nobody_gets_an_allowance_of_his_own_by_saying_that_he_is_somebody_else(
    client: Client, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(RATE_LIMITS="on", RATE_LIMIT_READ="1/minute").address
    found = []
    for number in range(3):
        headers = {"X-Forwarded-For": f"10.0.0.{number}", "Shop-Account": str(number)}
        async with client.get(gateway + "/api/products", headers=headers) as answer:
            found.append(answer.status)

    assert found == [200, 429, 429]


async def test_behind_a_trusted_proxy_each_client_has_his_own(
    client: Client, start_gateway: StartGateway, stage: Stage
) -> None:
    gateway = start_gateway(
        RATE_LIMITS="on", RATE_LIMIT_READ="1/minute", TRUSTED_PROXIES="127.0.0.0/8"
    ).address
    found = []
    for address in ("203.0.113.1", "203.0.113.2", "6.6.6.6, 203.0.113.1"):
        headers = {"X-Forwarded-For": address}
        async with client.get(gateway + "/api/products", headers=headers) as answer:
            found.append(answer.status)

    assert found == [200, 200, 429]
    assert stage.asked[0].header("x-forwarded-for") == "203.0.113.1"


@pytest.mark.parametrize(
    ("settings", "limited"),
    [
        ({}, False),
        ({"AUTH": "on"}, True),
        ({"AUTH": "on", "RATE_LIMITS": "off"}, False),
        ({"AUTH": "off"}, False),
    ],
)
async def test_limits_are_on_where_accounts_are(
    client: Client, start_gateway: StartGateway, settings: dict[str, str], *, limited: bool
) -> None:
    keys = trusting("gateway") if settings.get("AUTH") == "on" else {}
    gateway = start_gateway(**{"RATE_LIMIT_READ": "1/minute", **keys, **settings}).address

    await statuses(client, gateway, 1, "/openapi.json")
    assert (await statuses(client, gateway, 1, "/openapi.json") == "429") == limited


# --- several gateways -----------------------------------------------------------------------------


async def test_two_gateways_share_a_limit_in_redis(
    client: Client, start_gateway: StartGateway, redis: Redis
) -> None:
    settings = {"RATE_LIMITS": "on", "RATE_LIMIT_READ": "5/minute", "RATE_LIMIT_URL": redis.url}
    one, other = (start_gateway(**settings).address for _ in range(2))

    found = [await statuses(client, gateway, 3) for gateway in (one, other)]

    assert " ".join(found) == "200 200 200 200 200 429"


async def test_without_redis_each_gateway_counts_alone_and_says_so(
    client: Client, start_gateway: StartGateway, redis: Redis
) -> None:
    settings = {
        "RATE_LIMITS": "on", "RATE_LIMIT_READ": "5/minute", "RATE_LIMIT_URL": redis.url,
        "OTEL_METRICS_EXPORTER": "prometheus",
    }  # fmt: skip
    gateway = start_gateway(**settings).address
    assert await statuses(client, gateway, 3) == "200 200 200"
    redis.kill()

    began = time.monotonic()
    assert await statuses(client, gateway, 6) == "200 200 200 200 200 429"
    waited = time.monotonic() - began
    async with client.get(gateway + "/metrics") as answer:
        metrics = parse(await answer.text())

    assert waited < 1.0
    assert metrics.value("gateway_rate_limit_fallbacks_total") == 6
    assert metrics.value("gateway_limited_requests_total", **{"class": "read"}) == 1


async def test_redis_is_asked_again_when_it_is_back(
    client: Client, start_gateway: StartGateway, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.gateway.ratelimits._AWAY_SECONDS", 0.2)
    settings = {"RATE_LIMITS": "on", "RATE_LIMIT_READ": "5/minute", "RATE_LIMIT_URL": redis.url}
    one, other = (start_gateway(**settings).address for _ in range(2))
    redis.kill()
    assert await statuses(client, one, 2) == "200 200"
    redis.start()
    await asyncio.sleep(0.3)

    assert await statuses(client, one, 5) == "200 200 200 200 200"
    assert await statuses(client, other, 1) == "429"
