"""Clients that order from the shop on the cluster and note every answer."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

from cluster.address import Address
from cluster.kubectl import ClusterError
from signed_in import SignedIn, SignInError

_TRY_AGAIN = frozenset((429, 502, 503, 504))
_SECONDS = 60.0


@dataclass(slots=True)
class Tally:
    """What a load met with; `failed` counts requests that had a 5xx, or nothing, at first."""

    statuses: Counter[int] = field(default_factory=Counter)
    confirmed: int = 0
    refused: int = 0
    failed: int = 0
    given_up: int = 0
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds that the share of the answers took at most."""
        ordered = sorted(self.latencies)
        at = min(len(ordered) - 1, int(share * len(ordered)))
        return ordered[at] * 1000 if ordered else 0.0

    def __str__(self) -> str:
        statuses = ", ".join(f"{status} × {n:,}" for status, n in sorted(self.statuses.items()))
        return (
            f"{len(self.latencies):,} answers in {self.seconds:.0f} s ({self.rate:.0f}/s), "
            f"p50 {self.percentile(0.5):.0f} ms, p95 {self.percentile(0.95):.0f} ms; {statuses}; "
            f"{self.failed} failed at first, {self.given_up} for good"
        )


class Shop:
    """A client of the shop."""

    def __init__(self, place: Address) -> None:
        self._place = place
        self._signed_in = SignedIn(place.url, place.host)
        self._session = aiohttp.ClientSession(
            headers={"Host": place.host},
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=30.0),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """Status and document of an answer; status 0 where there is none."""
        headers = {"Idempotency-Key": key} if key else {}
        try:
            headers |= self._signed_in.headers()
        except SignInError as error:
            raise ClusterError(str(error)) from None
        try:
            async with self._session.request(
                method, self._place.url + path, json=body, headers=headers
            ) as answer:
                document = await answer.json(content_type=None) if answer.status != 204 else None
                return answer.status, document
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, None

    async def read(self, path: str, tally: Tally) -> None:
        """GET a path once, and note the answer."""
        sent = time.perf_counter()
        status, _ = await self.send("GET", path)
        tally.latencies.append(time.perf_counter() - sent)
        tally.statuses[status] += 1
        tally.failed += status == 0 or status >= 500

    async def product(self, stock: int) -> int:
        """A new product with that stock; its id."""
        body = {"name": f"Proof {uuid4()}", "price": 9.99, "stock": stock}
        deadline = time.monotonic() + _SECONDS
        while True:
            status, document = await self.send("POST", "/api/products", body, str(uuid4()))
            if status == 201:
                return int(document["id"])
            if time.monotonic() > deadline:
                raise ClusterError(f"POST /api/products answers {status}")
            await asyncio.sleep(0.5)

    async def order(self, product: int, tally: Tally) -> None:
        """Order one piece, and repeat it under its key until there is an answer."""
        key = str(uuid4())
        deadline = time.monotonic() + _SECONDS
        first = True
        while True:
            began = time.perf_counter()
            status, _ = await self.send(
                "POST", "/api/orders", {"product_id": product, "quantity": 1}, key
            )
            final = status and status not in _TRY_AGAIN and status < 500
            if final or time.monotonic() > deadline:
                tally.latencies.append(time.perf_counter() - began)
                tally.statuses[status] += 1
                tally.confirmed += status == 201
                tally.refused += status == 409
                tally.given_up += not final
                return
            tally.failed += first
            first = False
            await asyncio.sleep(0.3)


async def orders(
    shop: Shop,
    product: int,
    *,
    clients: int,
    number: int | None = None,
    seconds: float = 600.0,
    pause: float = 0.0,
) -> Tally:
    """That many clients order, one order after another, until the number or the time is reached.

    A client waits for `pause` seconds before its next order.
    """
    tally = Tally()
    began = time.monotonic()
    begun = 0

    async def client() -> None:
        nonlocal begun
        while time.monotonic() - began < seconds and (number is None or begun < number):
            begun += 1
            await shop.order(product, tally)
            await asyncio.sleep(pause)

    await asyncio.gather(*(client() for _ in range(clients)))
    tally.seconds = time.monotonic() - began
    return tally


async def reads(shop: Shop, path: str, *, clients: int, seconds: float) -> Tally:
    """That many clients read a path for some seconds; nothing is tried again."""
    tally = Tally()
    began = time.monotonic()

    async def client() -> None:
        while time.monotonic() - began < seconds:
            await shop.read(path, tally)

    await asyncio.gather(*(client() for _ in range(clients)))
    tally.seconds = time.monotonic() - began
    return tally
