"""A whole shop that runs: its address, what it tells of itself, and a client of it."""

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import pytest
from yarl import URL

from local import testing
from local.layout import Layout
from local.state import State
from shop.api.accounts import NewAccount
from shop.create_admin import make_admin
from signed_in import SignedIn
from tests.support.shop import Answer
from tests.support.tables import Inventory, Orders, Tables
from tests.support.topics import Topics
from tests.support.verbs import Verbs

Found = TypeVar("Found")

# Below the ports that the system gives to clients.
PORT_OFFSET = 20_000
PATIENCE = 60.0


@dataclass(slots=True)
class Live:
    """A shop that runs on this machine or, where `data` is None, anywhere."""

    url: str
    data: Path | None

    @property
    def state(self) -> State:
        """What the platform tells of itself now; a test that needs it is skipped elsewhere."""
        return State.read(self.layout)

    @property
    def layout(self) -> Layout:
        """Where the platform keeps data and logs; a test that needs it is skipped elsewhere."""
        if self.data is None:
            pytest.skip("needs the platform of this machine, and SHOP_URL names another one")
        return Layout(self.data)

    def environment(self) -> dict[str, str]:
        """What a verb of scripts/task is told, so that it means this shop."""
        layout = self.layout
        offset = (URL(self.url).port or 0) - layout.gateway
        return {
            **os.environ,
            "SHOP_URL": self.url,
            "SHOP_DATA": str(layout.data),
            "SHOP_PORT_OFFSET": str(offset),
        }

    @property
    def asks_who_calls(self) -> bool:
        """Whether authentication is on."""
        request = urllib.request.Request(  # noqa: S310 - the tests' own shop
            f"{self.url}/health", headers=where()
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return bool(json.loads(answer.read())["auth"] == "on")

    @contextlib.contextmanager
    def admin(self) -> Iterator[None]:
        """Let tests and tools be an admin where authentication is on, unless they are somebody."""
        if os.environ.get("SHOP_EMAIL") or not self.asks_who_calls:
            yield
            return
        account = NewAccount(email=f"admin-{uuid4()}@example.com", password=str(uuid4()))
        make_admin(self.state.databases["identity"], account)
        os.environ |= {"SHOP_EMAIL": account.email, "SHOP_PASSWORD": account.password}
        try:
            yield
        finally:
            del os.environ["SHOP_EMAIL"], os.environ["SHOP_PASSWORD"]

    @contextlib.contextmanager
    def tables(self) -> Iterator[tuple[Inventory, Orders, Tables]]:
        """Sessions with the three databases."""
        urls = self.state.databases
        with contextlib.ExitStack() as stack:
            inventory, orders = Inventory(urls["inventory"]), Orders(urls["orders"])
            stack.callback(inventory.close)
            stack.callback(orders.close)
            notifications = Tables("notifications", urls["notifications"])
            stack.callback(notifications.close)
            yield inventory, orders, notifications

    @property
    def topics(self) -> Topics:
        """The events on Kafka."""
        return Topics(self.state.kafka)

    def log(self, process: str) -> list[dict[str, Any]]:
        """The lines that a process has logged, but those that are no JSON."""
        found = []
        for line in (self.layout.logs / f"{process}.log").read_text("utf-8").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [line for line in found if isinstance(line, dict)]

    async def settled(self, seconds: float = PATIENCE) -> None:
        """Wait until every event is published, and every source has delivered its records."""

        def level() -> bool:
            with self.tables() as (inventory, orders, _):
                waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
                if inventory.value(waiting) or orders.value(waiting):
                    return False
            return self.topics.lag() == 0

        await until(lambda: asyncio.to_thread(level), "outboxes and topics are level", seconds)

    async def emptied(self) -> None:
        """Forget everything in the databases, and number rows from 1 again."""
        await self.settled()
        with self.tables() as areas:
            for tables in areas:
                tables.empty()


@contextlib.contextmanager
def live() -> Iterator[Live]:
    """The shop that the tests use: one that SHOP_URL or SHOP_TEST_DATA names, or a new one."""
    if url := os.environ.get("SHOP_URL"):
        yield Live(url.rstrip("/"), None)
        return
    running = os.environ.get("SHOP_TEST_DATA")
    data = Path(running or tempfile.mkdtemp(prefix="shop-live-"))
    try:
        if not running:
            data.chmod(0o755)  # PostgreSQL's user is another one where root runs this.
        # Tests come from one address, and are more than any limit allows it.
        asks = {"AUTH": os.environ.get("AUTH") or "off", "RATE_LIMITS": "off"}
        with testing.platform(data, PORT_OFFSET, keep=True, environment=asks) as state:
            shop = Live(state.urls["gateway"], data)
            with shop.admin():
                yield shop
    finally:
        if not running:
            shutil.rmtree(data, ignore_errors=True)


async def until(
    question: Callable[[], Awaitable[Found | None]], what: str, seconds: float = PATIENCE
) -> Found:
    """The first answer that is something; AssertionError where none comes in time."""
    deadline = monotonic() + seconds
    pause = 0.02
    while True:
        answer = await question()
        if answer:
            return answer
        assert monotonic() < deadline, f"after {seconds:g} s it does not hold that {what}"
        await asyncio.sleep(pause)
        pause = min(0.25, pause * 1.5)


def where() -> dict[str, str]:
    """The header by which an ingress knows the shop, where SHOP_URL names one."""
    host = os.environ.get("SHOP_HOST") if os.environ.get("SHOP_URL") else None
    return {"Host": host} if host else {}


_WHO = ("SHOP_EMAIL", "SHOP_PASSWORD", "SHOP_TOKEN")


@lru_cache(maxsize=64)
def _account(url: str, host: str | None, *who: str) -> SignedIn:
    """One sign-in for all clients of the same account."""
    return SignedIn(url, host, dict(zip(_WHO, who, strict=True)))


class Client(Verbs):
    """Calls a shop by the paths that its users see."""

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        """`environment` says who signs in, as it does for the tools; by default an admin."""
        self.url = url
        self._signed_in = _account(
            url, where().get("Host"), *(environment.get(n, "") for n in _WHO)
        )
        self._session = aiohttp.ClientSession(
            headers=where(),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=30.0),
        )
        # Where a connection breaks, aiohttp would send a PUT once more and tell of the second
        # answer only: 412, where the first has changed what If-Match names.
        self._session._retry_connection = False

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | AsyncIterator[bytes] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send bytes to a path, or to a whole address."""
        if path.startswith("http://"):
            address = path
        else:
            address = self.url + path
            headers = {**await asyncio.to_thread(self._signed_in.headers), **(headers or {})}
        async with self._session.request(
            method, URL(address, encoded=True), data=body, headers=headers, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a JSON document; `key` is an Idempotency-Key."""
        given = dict(headers or {})
        if key is not None:
            given["Idempotency-Key"] = key
        if body is None:
            return await self.send(method, path, headers=given)
        document = json.dumps(body, default=_plain).encode()
        given.setdefault("Content-Type", "application/json")
        return await self.send(method, path, document, headers=given)

    async def product(self, **members: Any) -> dict[str, Any]:
        """A new product; what `members` leaves out is of no interest."""
        body = {"name": "Lamp", "price": Decimal("12.50"), "stock": 10} | members
        answer = await self.post("/api/products", body)
        assert answer.status == 201, answer
        created: dict[str, Any] = answer.json
        return created

    async def stock(self, product_id: int) -> int:
        """The pieces of a product."""
        answer = await self.get(f"/api/products/{product_id}")
        assert answer.status == 200, answer
        stock: int = answer.json["stock"]
        return stock

    async def order(self, product_id: int, quantity: int = 1, **options: Any) -> Answer:
        """Order pieces of one product."""
        body = {"product_id": product_id, "quantity": quantity}
        return await self.post("/api/orders", body, **options)

    async def pages(self, path: str) -> AsyncIterator[list[Any]]:
        """Every page from this one on, by their Link headers."""
        following: str | None = path
        while following is not None:
            answer = await self.get(following)
            assert answer.status == 200, answer
            yield answer.json
            following = answer.next


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)
