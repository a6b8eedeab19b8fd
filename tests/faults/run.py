"""One run: orders, faults in the middle of them, healing, and what the checker says of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from tests.faults import evidence
from tests.faults.checker import Difference, check
from tests.faults.faults import back
from tests.faults.history import History
from tests.faults.shoppers import Shoppers
from tests.support.live import Client, Live, until
from tests.support.topics import Offsets

_PRODUCTS = 5
_SETTLE_SECONDS = 120.0

HEADER = (
    "what", "confirmed", "rejected", "cancelled", "repeated", "events", "records", "notified",
    "differences", "back after", "level after",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Strike:
    """Something to do once a share `at` of the orders has begun."""

    at: float
    do: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went.

    `back` is how long after the first strike every process served again, `level` how long
    after the last order every event was told of; both in seconds.
    """

    what: str
    history: History
    differences: list[Difference]
    repeated: int
    back: float
    level: float

    def row(self) -> tuple[str, ...]:
        """What the table shows of it, under HEADER."""
        statuses = Counter(order.status for order in self.history.orders)
        counts = (
            statuses["confirmed"],
            statuses["rejected"],
            statuses["cancelled"],
            self.repeated,
            len(self.history.events),
            len(self.history.records),
            len(self.history.notified),
            len(self.differences),
        )
        return self.what, *map(str, counts), f"{self.back:.1f} s", f"{self.level:.1f} s"


async def prepared(running: Live, orders: int) -> tuple[tuple[int, ...], Offsets]:
    """Empty the databases, and put a few products in; returns these, and the topics' ends.

    There are fewer pieces than the orders ask for, so that the last orders are refused.
    """
    await back(running)
    await running.emptied()
    since = await asyncio.to_thread(running.topics.ends)
    client = Client(running.url)
    try:
        products = [
            await client.product(name=f"Piece {number}", stock=orders * 36 // 100)
            for number in range(_PRODUCTS)
        ]
    finally:
        await client.close()
    return tuple(product["id"] for product in products), since


async def under(
    running: Live, what: str, strikes: Sequence[Strike], shoppers: Shoppers, since: Offsets
) -> Outcome:
    """Order while it strikes; then let everything heal, and check all of it."""
    backs: list[float] = []

    async def strike(each: Strike) -> None:
        while shoppers.begun < shoppers.orders * each.at:
            await asyncio.sleep(0.005)
        began = time.monotonic()
        await each.do()
        await back(running)
        backs.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        ordering = group.create_task(shoppers.run())
        for each in strikes:
            group.create_task(strike(each))
        await ordering
        ordered = time.monotonic()
    await _settle(running)
    level = time.monotonic() - ordered
    await shoppers.ask_again()
    history = await asyncio.to_thread(evidence.history, running, shoppers.asked, since)
    return Outcome(what, history, check(history), shoppers.repeated, max(backs, default=0.0), level)


async def _settle(running: Live) -> None:
    """Let time pass for orders that were left, settle them, and wait for their events.

    PingSource would call settle_orders within the minute; here it is called at once, and what
    is pending is made as old as it would be then.
    """
    client = Client(running.url)

    async def settled() -> bool:
        with running.tables() as (_, orders, _notifications):
            orders.run(
                "UPDATE orders SET created_at = created_at - interval '1 minute'"
                " WHERE status = 'pending'"
            )
            left = orders.value(
                "SELECT count(*) FROM orders WHERE status = 'pending'"
                " OR (status = 'cancelled' AND released_at IS NULL)"
            )
        if not left:
            return True
        answer = await client.post(
            f"{running.state.functions['settle_orders']}/", {}, headers=ping()
        )
        assert answer.status in (204, 503), answer
        return False

    try:
        await until(settled, "every order is settled", _SETTLE_SECONDS)
    finally:
        await client.close()
    await running.settled(_SETTLE_SECONDS)


def ping() -> dict[str, str]:
    """The headers with which PingSource calls settle_orders."""
    return {
        "ce-specversion": "1.0",
        "ce-id": str(uuid4()),
        "ce-type": "dev.knative.sources.ping",
        "ce-source": "/apis/v1/namespaces/shop/pingsources/settle-orders",
    }
