"""One run: clients, faults beside them, healing, and what the checker says of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

from tests.faults import evidence
from tests.faults.checker import Difference, check
from tests.faults.history import History
from tests.faults.schedule import Fault
from tests.faults.shoppers import Shoppers
from tests.faults.target import Target
from tests.support.live import until

_SETTLE_SECONDS = 120.0

HEADER = (
    "what", "operations", "unknown", "confirmed", "rejected", "cancelled", "repeated", "events",
    "records", "notified", "differences", "back after", "level after",
)  # fmt: skip


@dataclass
class Outcome:
    """How a run went.

    `back` is how long after the last moment of the faults every part served again, `level` how
    long after the last order every event was told of; both in seconds. `replay` are the options
    by which the run can be had again.
    """

    what: str
    history: History
    repeated: Counter[str]
    back: float
    level: float
    recoveries: list[tuple[Fault, float]] = field(default_factory=list)
    replay: str = ""

    @cached_property
    def differences(self) -> list[Difference]:
        """What the checker finds."""
        return check(self.history)

    def row(self) -> tuple[str, ...]:
        """What the table shows of it, under HEADER."""
        history = self.history
        statuses = Counter(order.status for order in history.orders)
        unknown = sum(each.outcome == "unknown" for each in history.asked)
        unknown += sum(each.outcome == "unknown" for each in history.edits)
        counts = (
            operations(history),
            unknown,
            statuses["confirmed"],
            statuses["rejected"],
            statuses["cancelled"],
            self.repeated.total(),
            len(history.events),
            len(history.records),
            len(history.notified),
            len(self.differences),
        )
        return self.what, *map(str, counts), f"{self.back:.1f} s", f"{self.level:.1f} s"


def operations(history: History) -> int:
    """How many operations the clients have made that were answered, or are unknown."""
    cancels = sum(asked.cancelled is not False for asked in history.asked)
    parts = history.asked, history.edits, history.sights, history.order_sights, history.pages
    return cancels + sum(map(len, parts))


async def emptied(target: Target) -> dict[tuple[str, int], int]:
    """Forget what the databases hold; the ends of the topics then.

    The topics keep what they have, and the inbox remembers it: Kafka may lose how far a source has
    read, and all of it comes once more.
    """
    await target.back()
    await level(target)
    with target.tables() as areas:
        for tables in areas:
            tables.empty(but="inbox")
    return await asyncio.to_thread(target.topics.ends)


async def under(
    target: Target, what: str, faults: Sequence[Fault], shoppers: Shoppers, seconds: float
) -> Outcome:
    """Use the shop for so many seconds while it goes wrong; let it heal, and check all of it."""
    since = await emptied(target)
    known = len(target.poison)
    await shoppers.open()
    began = time.monotonic()
    recoveries: list[tuple[Fault, float]] = []
    left = set(faults)

    async def strike(fault: Fault) -> None:
        await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
        try:
            await target.strike(fault)
        finally:
            left.discard(fault)
        over = time.monotonic()
        while shoppers.seen.last_confirmed < over and not shoppers.over.is_set():
            await asyncio.sleep(0.05)
        recoveries.append((fault, time.monotonic() - over))

    async with asyncio.TaskGroup() as group:
        using = group.create_task(shoppers.run())
        striking = [group.create_task(strike(fault)) for fault in faults]
        await asyncio.sleep(seconds)
        while left:
            await asyncio.sleep(0.05)
        over = time.monotonic()
        await target.back()
        back = time.monotonic() - over
        shoppers.over.set()
        await using
        await asyncio.gather(*striking)
        ordered = time.monotonic()
    await target.back()
    await _settle(target)
    await level(target)
    took = time.monotonic() - ordered
    await shoppers.ask_again()
    await level(target)
    history = await asyncio.to_thread(
        evidence.history, target, shoppers.seen, since, target.poison[known:]
    )
    return Outcome(what, history, shoppers.seen.repeated, back, took, recoveries)


async def _settle(target: Target) -> None:
    """Let time pass for orders that were left, and settle them.

    PingSource would call settle_orders within the minute; here it is called at once, and what
    is pending is made as old as it would be then.
    """

    async def settled() -> bool:
        with target.tables() as (_, orders, _notifications):
            orders.run(
                "UPDATE orders SET created_at = created_at - interval '20 minutes'"
                " WHERE status = 'pending'"
            )
            left = orders.value(
                "SELECT count(*) FROM orders WHERE status = 'pending'"
                " OR (status = 'cancelled' AND released_at IS NULL)"
            )
        if not left:
            return True
        await target.settle()
        return False

    await until(settled, "every order is settled", _SETTLE_SECONDS)


async def level(target: Target) -> None:
    """Wait until every event is published, delivered, and told of to the last channel.

    What the courier had claimed when it died is due again when its lease is over; and what was
    stored while a clock was ahead is due then. Both are made due now. It may take as long as it
    goes on: where a source reads everything once more, that is minutes.
    """

    def missing() -> dict[str, int]:
        with target.tables() as (inventory, orders, notifications):
            unpublished = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
            notifications.run(
                "UPDATE notifications SET next_attempt_at = clock_timestamp()"
                " WHERE delivered_at IS NULL AND next_attempt_at > clock_timestamp()"
            )
            undelivered = "SELECT count(*) FROM notifications WHERE delivered_at IS NULL"
            waiting = {
                "unpublished products": inventory.value(unpublished),
                "unpublished orders": orders.value(unpublished),
                "put off": target.pending,
                "on the topics": target.topics.lag(),
                "undelivered": notifications.value(undelivered),
            }
        return {what: number for what, number in waiting.items() if number}

    fewest, moved = inf, time.monotonic()
    while left := await asyncio.to_thread(missing):
        if (total := sum(left.values())) < fewest:
            fewest, moved = total, time.monotonic()
        stalled = time.monotonic() - moved > _SETTLE_SECONDS
        assert not stalled, f"for {_SETTLE_SECONDS:g} s there have been {left}"
        await asyncio.sleep(0.2)
