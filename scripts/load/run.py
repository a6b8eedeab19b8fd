"""The load itself: clients that share one list of requests and note what each answer took."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import aiohttp
from yarl import URL

from load.target import LoopbackResolver

ANSWER_TIMEOUT_S = 15.0
"""Above the gateway's own deadline of 10 s: a slow answer is measured, not cut off."""

PHASE_LIMIT_S = 300.0
"""No client takes another request after this long, however many are left."""

STOCKED_PAGE = 500


class Request(NamedTuple):
    """One request, with `json` as its body where it has one."""

    method: str
    url: URL
    json: dict[str, int] | None = None


class Stocked(NamedTuple):
    """A product that can be ordered, and how many pieces of it."""

    id: int
    stock: int


@dataclass
class Phase:
    """What one kind of request met with."""

    name: str
    seconds: float = 0.0
    """From the first request to the last answer."""
    latencies: list[float] = field(default_factory=list)
    """Seconds per answered request, body included."""
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0

    @property
    def failed(self) -> bool:
        """Whether an answer was 5xx, or missing."""
        return self.unanswered > 0 or any(status >= 500 for status in self.statuses)


class ShopError(Exception):
    """The shop does not answer as one; the message is a sentence for the user."""


def open_session(
    clients: int, host: str | None, headers: Mapping[str, str] | None = None
) -> aiohttp.ClientSession:
    """Open a session of one connection a client; `host`, where given, replaces the Host header."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=clients, resolver=LoopbackResolver()),
        headers={**(headers or {}), **({"Host": host} if host else {})},
        timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
    )


async def send(
    session: aiohttp.ClientSession, name: str, requests: Iterable[Request], clients: int
) -> Phase:
    """Send all requests with that many clients, each waiting for its answer before the next."""
    phase = Phase(name)
    queue = iter(requests)
    started = time.perf_counter()

    async def client() -> None:
        for method, url, json in queue:
            sent = time.perf_counter()
            if sent - started > PHASE_LIMIT_S:
                return
            try:
                # A redirect is an answer like others: following it could leave this machine.
                async with session.request(
                    method, url, json=json, allow_redirects=False
                ) as response:
                    await response.read()
            except (aiohttp.ClientError, TimeoutError):
                phase.unanswered += 1
            else:
                phase.latencies.append(time.perf_counter() - sent)
                phase.statuses[response.status] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    phase.seconds = time.perf_counter() - started
    return phase


async def stocked_products(session: aiohttp.ClientSession, shop: URL) -> list[Stocked]:
    """Find the newest products with stock, 500 at most.

    Raises:
        ShopError: Nothing answers, or it is no shop.
    """
    url = shop / "api" / "products" % {"in_stock": "true", "limit": str(STOCKED_PAGE)}
    try:
        async with session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise ShopError(f"The shop at {shop} answers {response.status} to GET {url.path}.")
            products = await response.json()
    except (aiohttp.ContentTypeError, ValueError) as error:
        raise ShopError(f"What answers at {shop} is not a shop.") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ShopError(
            f"No shop answers at {shop}. Start one with `scripts/task up`, or name another "
            "in SHOP_URL."
        ) from error
    return [Stocked(product["id"], product["stock"]) for product in products if product["stock"]]


def spread(products: Iterable[Stocked]) -> Iterator[int]:
    """Yield ids to order one piece of, product after product, until every stock is used up."""
    left = list(products)
    while left:
        yield from (product.id for product in left)
        left = [Stocked(id_, stock - 1) for id_, stock in left if stock > 1]
