"""The rehearsal: a shop that sells is backed up, destroyed, brought back to a moment, and sells on.

`scripts/task rehearse:restore` prints how long each part took.
"""

import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest

from local.backups import catalogue, wal
from local.layout import ROOT, Layout
from local.plan import base_environment
from local.state import State
from local.testing import Run
from tests.support.live import Client, Live, until
from tests.support.tables import Tables

OFFSET = int(os.environ.get("SHOP_TEST_PORT_OFFSET") or 22_000)
_BUYERS = 4
_PRODUCTS = 12
_STOCK = 100_000
_ENVIRONMENT = {"AUTH": "off", "RATE_LIMITS": "off"}
# What a shop archives after a minute, the rehearsal's does after a second.
_HURRY = "ALTER SYSTEM SET archive_timeout = '1s'"

# All that an area's books say; idempotency keys hold the answers.
_BOOKS = {
    "inventory": ("products", "stock_movements", "reservations", "idempotency_keys"),
    "orders": ("orders", "idempotency_keys"),
    "notifications": ("dead_letters",),
}
_EVENTS = "SELECT id::text FROM outbox"
_UNPUBLISHED = f"{_EVENTS} WHERE published_at IS NULL"
_TOLD = "SELECT event_id FROM notifications"


@dataclass
class Clock:
    """What took how long, in seconds, printed as it is known."""

    began: float = field(default_factory=time.monotonic)
    took: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, what: str) -> Iterator[None]:
        """Measure a part of the rehearsal."""
        began = time.monotonic()
        yield
        self.took[what] = time.monotonic() - began
        self.say(f"{what} {self.took[what]:.1f} s")

    def say(self, what: str) -> None:
        """Print it with the moment."""
        print(f"  {time.monotonic() - self.began:6.1f} s  {what}", flush=True)


class Buyers:
    """Clients who order, and now and then cancel, until they are told to stop."""

    def __init__(self, client: Client, products: Sequence[int]) -> None:
        self._client = client
        self.products = products
        self._chance = random.Random(1)
        self.placed: list[int] = []

    async def place(self, number: int) -> list[int]:
        """Orders that were confirmed."""
        return [await self._order() for _ in range(number)]

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Orders from several clients for as long as the block lasts, and to their last answer."""
        over = asyncio.Event()

        async def buyer() -> None:
            while not over.is_set():
                order = await self._order()
                if self._chance.random() < 0.2:
                    answer = await self._client.post(f"/api/orders/{order}/cancel")
                    assert answer.status == 200, answer

        async with asyncio.TaskGroup() as group:
            for _ in range(_BUYERS):
                group.create_task(buyer())
            try:
                yield
            finally:
                over.set()

    async def _order(self) -> int:
        answer = await self._client.order(self._chance.choice(self.products), key=str(uuid4()))
        assert answer.status == 201, answer
        order: int = answer.json["id"]
        self.placed.append(order)
        return order


@dataclass(frozen=True)
class Moment:
    """What the shop held at the moment that it is brought back to."""

    at: datetime
    books: dict[str, list[tuple[Any, ...]]]
    events: set[str]
    unpublished: set[str]
    told: set[str]

    @property
    def unconsumed(self) -> set[str]:
        """Events that were published, and not told of."""
        return self.events - self.unpublished - self.told


def books(running: Live) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the books, by table."""
    with running.tables() as areas:
        return {
            f"{area}.{table}": sorted(tables.rows(f"SELECT {table}::text FROM {table}"))
            for (area, names), tables in zip(_BOOKS.items(), areas, strict=True)
            for table in names
        }


def events(running: Live, query: str = _EVENTS) -> set[str]:
    """The ids of an outbox's events, those of both areas."""
    with running.tables() as (inventory, orders, _):
        return {row[0] for tables in (inventory, orders) for row in tables.rows(query)}


def told(running: Live) -> Counter[str]:
    """How often each event was told of."""
    with running.tables() as (_, _orders, notifications):
        return Counter(row[0] for row in notifications.rows(_TOLD))


def look(running: Live) -> Moment:
    """What there is now, while nobody changes it."""
    with running.tables() as (inventory, _orders, _notifications):
        at: datetime = inventory.value("SELECT clock_timestamp()")
    return Moment(
        at.astimezone(UTC), books(running), events(running), events(running, _UNPUBLISHED),
        set(told(running)),
    )  # fmt: skip


def hold(running: Live, *names: str) -> None:
    """Let processes of the platform stand still."""
    for name in names:
        os.kill(running.state.processes[name]["pid"], signal.SIGSTOP)


def let_go(running: Live, *names: str) -> None:
    """Let them go on, if they have not been replaced."""
    for name in names:
        with suppress(ProcessLookupError, TypeError):
            os.kill(running.state.processes[name]["pid"], signal.SIGCONT)


async def verb(data: Path, *words: str) -> str:
    """What a verb of the platform prints; AssertionError where it fails."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local", *words, cwd=ROOT,
        env=base_environment() | {"SHOP_DATA": str(data), "SHOP_PORT_OFFSET": str(OFFSET)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await child.communicate()
    assert child.returncode == 0, output.decode()
    return output.decode()


@pytest.fixture
def data() -> Iterator[Path]:
    """The folder of the rehearsal's shop."""
    if os.environ.get("SHOP_URL"):
        pytest.skip("needs the platform of this machine, and SHOP_URL names another one")
    folder = Path(tempfile.mkdtemp(prefix="shop-rehearsal-"))
    folder.chmod(0o755)  # PostgreSQL's user is another one where root runs this.
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_shop_is_brought_back_to_a_moment_and_sells_on(data: Path) -> None:
    clock = Clock()
    with closing(Run(data, OFFSET, _ENVIRONMENT)) as run:
        state = run.ready()
        running = Live(state.urls["gateway"], data)
        client = Client(running.url)
        clock.say("the shop sells")
        buyers = Buyers(client, [await _product(client) for _ in range(_PRODUCTS)])
        async with buyers.busy():
            with clock.measure("backup, of a shop that sells:"):
                await verb(data, "backup")
            _hurry(state)
            await asyncio.sleep(1.0)
        moment = await _moment(running, buyers)
        clock.say(
            f"the moment: {len(moment.events)} events, {len(moment.unconsumed)} of them published "
            f"and not consumed, {len(moment.unpublished)} not published"
        )
        async with buyers.busy():
            with clock.measure("until what follows the moment was archived:"):
                await until(lambda: _archived(data, moment.at), "the moment is archived")
        await client.close()
        last = _destroy(run, state, data)
        clock.say(f"destroyed; {len(buyers.placed)} orders had been placed")

    with clock.measure("restore:"):
        output = await verb(data, "restore", "--to", moment.at.isoformat())
    print(output)
    with closing(Run(data, OFFSET, _ENVIRONMENT)) as run:
        with clock.measure("start:"):
            state = run.ready()
        running = Live(state.urls["gateway"], data)
        client = Client(running.url)
        assert books(running) == moment.books
        assert events(running) == moment.events
        assert set(told(running)) <= moment.events

        with clock.measure("until all events had gone out again:"):
            await running.settled()
        assert told(running) == Counter(moment.events)
        records = await asyncio.to_thread(running.topics.records, {})
        assert Counter(record.id for record in records) == Counter(moment.events)
        with running.tables() as (_, orders, _notifications):
            assert _tally(orders) == Counter(
                row[0] for row in orders.rows("SELECT type FROM outbox")
            )

        buyers = Buyers(client, buyers.products)
        again = await buyers.place(10)
        assert min(again) > last, "a number is given twice"
        await running.settled()
        assert told(running) == Counter(events(running))
        with running.tables() as (inventory, _orders, _notifications):
            assert inventory.differences() == []
            stock = inventory.value("SELECT sum(stock) FROM products")
        assert stock == sum(_stocks(moment)) - 10
        await client.close()
    clock.say("all holds")


async def _product(client: Client) -> int:
    made: int = (await client.product(stock=_STOCK))["id"]
    return made


async def _moment(running: Live, buyers: Buyers) -> Moment:
    """A moment with events that are published and not consumed, and others that are neither."""
    await running.settled()
    hold(running, "event-sources")
    try:
        await buyers.place(12)

        async def published() -> bool:
            return not await asyncio.to_thread(events, running, _UNPUBLISHED)

        await until(published, "all events are published")
        hold(running, "orders-relay", "inventory-relay")
        await buyers.place(8)
        moment = await asyncio.to_thread(look, running)
    finally:
        let_go(running, "event-sources", "orders-relay", "inventory-relay")
    assert len(moment.unconsumed) >= 12, "the sources did not stand still"
    assert len(moment.unpublished) >= 8, "the relays did not stand still"
    return moment


async def _archived(data: Path, at: datetime) -> bool:
    (backup,) = catalogue.all_in(Layout(data).backups)
    end = await asyncio.to_thread(wal.last_end, catalogue.archived(backup))
    return end is not None and end > at


def _hurry(state: State) -> None:
    with psycopg.connect(state.admin_database, autocommit=True) as connection:
        connection.execute(_HURRY)
        connection.execute("SELECT pg_reload_conf()")


def _destroy(run: Run, state: State, data: Path) -> int:
    """Kill everything, and delete all but the backups; the last order's number."""
    with closing(Tables("orders", state.databases["orders"])) as orders:
        last: int = orders.value("SELECT max(id) FROM orders")
    processes = psutil.Process(run.process.pid).children(recursive=True)
    run.stop(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=60)
    for path in data.iterdir():
        if path.is_dir() and path.name != "backups":
            shutil.rmtree(path)
        elif path.name != "backups":
            path.unlink()
    return last


def _tally(orders: Tables) -> Counter[str]:
    return Counter(dict(orders.rows("SELECT type, published FROM published_tally")))


def _stocks(moment: Moment) -> list[int]:
    """The pieces of each product then, the fifth column."""
    return [int(row[0].strip("()").split(",")[4]) for row in moment.books["inventory.products"]]
