"""Dead letters: where they belong, and nowhere else; and what a replay makes of them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from cluster import inside
from cluster.address import Address
from cluster.kubectl import NAMESPACE, kubectl
from cluster.prove.books import Books, UnprovenError, expect, told_of
from cluster.prove.traffic import Shop, orders

_ORDERS = 30
# So many that the stock does not get low: that would be another event.
_PIECES = 1000
# An event is offered for 102 s before it is given up, and for longer where the node is busy.
_LONGER_THAN_THE_RETRIES = 180.0
_POISON = ["com.shophub.product.deleted.v1", "{}", "--subject", "products/0", "--unchecked"]


async def dead_letters(place: Address) -> None:
    """What fails for longer than the retries is a dead letter, and replay brings it back."""
    shop = Shop(place)
    try:
        product = await shop.product(_PIECES)
        # Its own event is not to be among the dead letters.
        await _until(lambda: told_of(product), "the product is told of")
        books = Books.opened()
        async with notifications_refused():
            tally = await orders(shop, product, clients=2, number=_ORDERS)
            await asyncio.sleep(_LONGER_THAN_THE_RETRIES)
        await _until(
            lambda: books.new_letters() == books.untold(), "every event is told of or kept"
        )
        kept = await asyncio.to_thread(books.new_letters)
        print(f"    {kept} dead letters of {_ORDERS} events", flush=True)
        if not kept:
            raise UnprovenError("there was no dead letter")
        await asyncio.to_thread(inside.run, "shop.replay_dead_letters", [])
        await asyncio.to_thread(books.settle)
        wrong = books.faults(confirmed=tally.confirmed, product=product, initial=_PIECES)
        expect("dead letters after a replay", wrong)

        known = await asyncio.to_thread(books.new_letters)
        await asyncio.to_thread(inside.run, "shop.emit_event", _POISON)
        await _until(lambda: books.new_letters() == known + 1, "the event that is none is kept")
        _, (newest, *_) = await shop.send("GET", "/api/dead-letters?limit=1")
        print(f"    an event without its members: {newest['error_code']}, {newest['error']}")
        if newest["error_code"] != 400:
            raise UnprovenError(f"its function answered {newest['error_code']}, and not 400")
    finally:
        await shop.close()


@contextlib.asynccontextmanager
async def notifications_refused() -> AsyncIterator[None]:
    """Meanwhile the notifications' database does not let its role in: functions answer 503."""
    await asyncio.to_thread(_allow, "NOLOGIN")
    try:
        yield
    finally:
        await asyncio.to_thread(_allow, "LOGIN")


def _allow(login: str) -> None:
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'notifications'"
    kubectl(
        "-n", NAMESPACE, "exec", "-i", "postgres-0", "-c", "postgres", "--",
        "psql", "-q", "-U", "postgres",
        stdin=f"ALTER ROLE notifications {login};\n{ends};\n",
    )  # fmt: skip


async def _until(holds: Callable[[], bool], what: str, seconds: float = 420.0) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        if time.monotonic() > deadline:
            raise UnprovenError(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(2)
