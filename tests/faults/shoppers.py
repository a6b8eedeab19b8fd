"""Clients that order whatever happens: each repeats a request until it has an answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import uuid4

import aiohttp

from tests.faults.history import Asked, Lines
from tests.support.live import Client
from tests.support.shop import Answer

PATIENCE = 60.0
_TRY_AGAIN = frozenset((502, 503, 504))
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_REPETITIONS = 25


@dataclass(slots=True)
class Shoppers:
    """Eight clients, or as many as `clients` says, that share `orders` orders.

    Every order has an Idempotency-Key. Each tenth is called off as soon as it is confirmed;
    each seventh is of two products. `pause` is what a client waits between two orders, so
    that a fault falls into the middle of them.
    """

    url: str
    products: tuple[int, ...]
    orders: int = 200
    clients: int = 8
    pause: float = 0.08
    patience: float = PATIENCE
    asked: list[Asked] = field(default_factory=list)
    repeated: int = 0
    begun: int = 0

    async def run(self) -> None:
        """Place every order, and call off some."""
        client = Client(self.url)
        try:
            await asyncio.gather(*(self._shop(client) for _ in range(self.clients)))
        finally:
            await client.close()

    async def when(self, begun: int, then: Callable[[], Awaitable[None]]) -> None:
        """Do something once so many orders have begun."""
        while self.begun < begun:
            await asyncio.sleep(0.01)
        await then()

    async def ask_again(self) -> None:
        """Send every request that was answered once more: each answer must be as it was."""
        client = Client(self.url)
        slots = asyncio.Semaphore(_REPETITIONS)

        async def repeat(asked: Asked) -> Asked:
            async with slots:
                answer = await self._insist(client, "/api/orders", asked.key, _body(asked.lines))
            again = () if answer is None else (_told(answer),)
            return Asked(asked.key, asked.lines, asked.answers + again, asked.cancelled)

        try:
            self.asked = list(await asyncio.gather(*(repeat(asked) for asked in self.asked)))
        finally:
            await client.close()

    async def _shop(self, client: Client) -> None:
        while self.begun < self.orders:
            number = self.begun
            self.begun += 1
            self.asked.append(await self._order(client, number))
            await asyncio.sleep(self.pause)

    async def _order(self, client: Client, number: int) -> Asked:
        key = str(uuid4())
        first = self.products[number % len(self.products)]
        other = self.products[(number + 1) % len(self.products)]
        lines: Lines = ((first, 1 + number % 3),)
        if number % 7 == 0 and other != first:
            lines += ((other, 1),)
        answer = await self._insist(client, "/api/orders", key, _body(lines))
        if answer is None:
            return Asked(key, lines, ())
        told = _told(answer)
        cancelled: bool | None = False
        if answer.status == 201 and number % 10 == 9:
            path = f"/api/orders/{told[1]}/cancel"
            off = await self._insist(client, path, f"{key}-cancel", None)
            cancelled = None if off is None else off.status == 200
        return Asked(key, lines, (told,), cancelled)

    async def _insist(self, client: Client, path: str, key: str, body: object) -> Answer | None:
        """The final answer, or None where there was none for as long as the client had patience."""
        deadline = time.monotonic() + self.patience
        pause = _FIRST_PAUSE
        while True:
            try:
                answer = await client.post(path, body, key=key)
            except (aiohttp.ClientError, TimeoutError):
                answer = None
            if answer is not None and answer.status not in _TRY_AGAIN:
                return answer
            if time.monotonic() > deadline:
                return None
            self.repeated += 1
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.6)


def _body(lines: Lines) -> object:
    items = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]
    return items[0] if len(items) == 1 else {"items": items}


def _told(answer: Answer) -> tuple[int, int | str]:
    """What counts of an answer: the order that it confirms, or why there is none."""
    if answer.status == 201:
        return 201, int(answer.json["id"])
    return answer.status, answer.problem
