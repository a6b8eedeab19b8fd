"""A mixed load: reads, orders, cancels, deliveries and edits, at a rate that does not give way."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
from yarl import URL

# Requests that may be under way at once.
CLIENTS = 64
# What 99 in 100 requests may take, in seconds, at a rate that counts as borne.
IN_TIME = 0.25
_FIRST_RATE, _STEP = 20.0, 1.15
_PRODUCTS = 40
_STOCK = 1_000_000
_RECENT = 200
# How often each is done, out of their sum.
_SHARES = {"product": 30, "products": 20, "orders": 10, "order": 30, "cancel": 5, "restock": 3,
           "price": 2}  # fmt: skip


@dataclass(slots=True)
class Window:
    """What was measured since it was opened: seconds of each answer, by kind, and failures.

    `stolen` is the share of the processors' time that the machine's host gave to others.
    """

    latencies: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0
    late: int = 0
    stolen: float = 0.0

    @property
    def answers(self) -> int:
        """How many requests were answered well."""
        return sum(map(len, self.latencies.values()))

    def percentile(self, share: float, kinds: Sequence[str] = ()) -> float:
        """The latency that a share of the answers kept to, in seconds; 0 without an answer."""
        chosen = kinds or tuple(self.latencies)
        found = sorted(value for kind in chosen for value in self.latencies.get(kind, ()))
        return found[min(len(found) - 1, int(share * len(found)))] if found else 0.0


class Load:
    """Requests of one shop."""

    def __init__(self, shop: URL, session: aiohttp.ClientSession, seed: int = 1) -> None:
        self._shop = shop
        self._session = session
        self._chance = random.Random(seed)  # noqa: S311 - the same requests each time
        self._products: list[int] = []
        self._orders: list[int] = []
        self.window = Window()

    async def open(self) -> None:
        """Make the products that are ordered."""
        for number in range(_PRODUCTS):
            body = {"name": f"Soak {number}", "price": 1 + number, "stock": _STOCK}
            document = await self._send("POST", "/api/products", body)
            self._products.append(int(document["id"]))

    async def capacity(self, seconds: float) -> float:
        """The most requests a second that are answered in time, in steps of so many seconds.

        In time means that 99 in 100 have their answer within `IN_TIME` seconds, and that none is
        left out. Clients who wait for their answers get more out of the shop, whose work for many
        at once costs less of each: half of that would be nearly all that it bears.
        """
        rate = _FIRST_RATE
        while True:
            self.window = Window()
            await self.run(rate, time.monotonic() + seconds)
            window, self.window = self.window, Window()
            if window.late or window.failed or window.percentile(0.99) > IN_TIME:
                return rate / _STEP
            rate *= _STEP

    async def run(self, rate: float, until: float) -> None:
        """Send `rate` requests a second until that monotonic moment, whatever the answers take.

        One that finds `CLIENTS` others waiting is left out, and counted as late.
        """
        waiting: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while due < until:
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if len(waiting) >= CLIENTS:
                self.window.late += 1
                continue
            task = asyncio.create_task(self._one())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        await asyncio.gather(*waiting)

    async def _one(self) -> None:
        (kind,) = self._chance.choices(list(_SHARES), list(_SHARES.values()))
        product = self._chance.choice(self._products)
        if kind == "cancel" and not self._orders:
            kind = "order"
        began, window = time.perf_counter(), self.window
        try:
            await self._do(kind, product)
        except (aiohttp.ClientError, TimeoutError):
            window.failed += 1
        else:
            window.latencies.setdefault(kind, []).append(time.perf_counter() - began)

    async def _do(self, kind: str, product: int) -> None:
        match kind:
            case "product":
                await self._send("GET", f"/api/products/{product}")
            case "products":
                await self._send("GET", "/api/products?limit=20")
            case "orders":
                await self._send("GET", "/api/orders?limit=20")
            case "order":
                lines = [{"product_id": product, "quantity": 1}]
                if self._chance.random() < 0.2:
                    other = self._chance.choice(self._products)
                    lines.append({"product_id": other, "quantity": 2})
                document = await self._send("POST", "/api/orders", {"items": lines}, keyed=True)
                self._orders.append(int(document["id"]))
                del self._orders[:-_RECENT]
            case "cancel":
                order = self._orders.pop(self._chance.randrange(len(self._orders)))
                await self._send("POST", f"/api/orders/{order}/cancel", {}, keyed=True)
            case "restock":
                path = f"/api/products/{product}/stock"
                await self._send("POST", path, {"quantity": 3}, keyed=True)
            case _:
                body = {"name": "Soak", "price": self._chance.randint(1, 90_000) / 100}
                await self._send("PUT", f"/api/products/{product}", body)

    async def _send(
        self, method: str, path: str, body: object = None, *, keyed: bool = False
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": str(uuid4())} if keyed else {}
        url = URL(str(self._shop) + path, encoded=True)
        async with self._session.request(
            method, url, json=body or None, headers=headers, raise_for_status=True
        ) as answer:
            document = await answer.json()
        return document if isinstance(document, dict) else {}
