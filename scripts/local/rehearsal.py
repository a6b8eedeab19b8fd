"""A shop that loses its databases and gets them back: `scripts/task rehearse:restore`.

It sells while it is backed up, and goes on. At a moment there are events that are published and
that nobody has handled, and others that are not published. Then more is sold, the platform is
killed and its databases and topics are deleted. What is restored is held to what was there at the
moment; after the start every event has been told of once, and the shop sells.
"""

import json
import os
import shutil
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from local.backup import back_up
from local.checks import check_ports
from local.layout import Layout, PlatformError
from local.restore import restore
from local.state import State
from local.testing import Run

_OFFSET = 23_000
_STOCK = 1_000
_SECONDS = 60.0
# Events at the moment that nobody has handled: published ones, and others.
_PUBLISHED, _UNPUBLISHED = 5, 3
_ORDERS = "SELECT id, reservation_id, status, total_price FROM orders ORDER BY id"
_EVENTS = "SELECT id::text FROM outbox ORDER BY position"


class RehearsalError(PlatformError):
    """What was restored is not what was there."""


@dataclass(frozen=True, slots=True)
class Books:
    """What the databases held at a moment: rows that a restore has to give back."""

    moment: datetime
    orders: list[tuple[Any, ...]]
    stock: int
    movements: int
    events: dict[str, list[str]]
    untold: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a rehearsal came to; times in seconds."""

    orders: int
    lost: int
    untold: int
    again: int
    backing_up: float
    restoring: float
    starting: float

    def __str__(self) -> str:
        return (
            f"Backed up in {self.backing_up:.1f} s while it sold. Restored in {self.restoring:.1f} "
            f"s, ready {self.starting:.1f} s later: {self.orders} orders as they were, "
            f"{self.lost} of after the moment gone; {self.untold} events that nobody had handled "
            f"({self.again} that had been published went out again) are told of once, as are all "
            "others; the shop sells."
        )


def rehearse() -> None:
    """Do it on a platform of its own, and say how it went.

    Raises:
        PlatformError: the platform does not start, or something differs.
    """
    with tempfile.TemporaryDirectory(prefix="shop-restore-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        data.chmod(0o755)  # PostgreSQL's user is another one where root runs this.
        print(run(data, _OFFSET))


def run(data: Path, offset: int) -> Figures:
    """One rehearsal on that folder and those ports."""
    layout = Layout(data, offset)
    before = Run(data, offset)
    try:
        shop = _Shop(before.ready())
        product = shop.create_product()
        seller = _Seller(shop, product)
        seller.start()
        began = time.monotonic()
        back_up(layout)
        backing_up = time.monotonic() - began
        time.sleep(1.0)
        seller.end()
        with shop.frozen("event_sources"):
            shop.sell(product, _PUBLISHED)
            shop.await_zero("orders", "SELECT count(*) FROM outbox WHERE published_at IS NULL")
            with shop.frozen("orders_relay"):
                shop.sell(product, _UNPUBLISHED)
                books = shop.books(product)
                time.sleep(0.1)
        lost = shop.sell(product, 10)
        shop.await_told()
        shop.archive()
    finally:
        before.stop(signal.SIGKILL)
    _await_end(layout)
    if books.untold < _PUBLISHED + _UNPUBLISHED:
        raise RehearsalError(f"only {books.untold} events were unhandled at the moment")
    shutil.rmtree(data / "postgres")
    shutil.rmtree(data / "kafka" / "data")

    began = time.monotonic()
    restored = restore(layout, books.moment)
    restoring = time.monotonic() - began
    second = Run(data, offset)
    try:
        began = time.monotonic()
        shop = _Shop(second.ready())
        starting = time.monotonic() - began
        missing = shop.differences(books, product)
        if missing:
            raise RehearsalError("; ".join(missing))
        shop.await_told()
        shop.sell(product, 1)
        if shop.stock(product) != books.stock - 1:
            raise RehearsalError("the restored shop does not sell as it should")
    finally:
        second.close()
    again = sum(restored.again.values())
    return Figures(
        len(books.orders), len(lost), books.untold, again, backing_up, restoring, starting
    )


class _Shop:
    """A running shop, and its databases."""

    def __init__(self, state: State) -> None:
        self._state = state

    def sell(self, product: int, number: int) -> list[int]:
        """That many confirmed orders of one piece; their ids."""
        body = {"product_id": product, "quantity": 1}
        return [int(self._post("/api/orders", body)["id"]) for _ in range(number)]

    def create_product(self) -> int:
        """A product with plenty of stock; its id."""
        body = {"name": "Lamp", "price": 10, "stock": _STOCK}
        return int(self._post("/api/products", body)["id"])

    def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - this machine's own shop
            self._state.urls["gateway"] + path, json.dumps(body).encode(),
            {"Content-Type": "application/json"}, method="POST",
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
                found: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise RehearsalError(f"POST {path} answers {error.code}: {error.read()!r}") from None
        return found

    def rows(self, area: str, statement: LiteralString) -> list[tuple[Any, ...]]:
        """Rows of an area's database."""
        with psycopg.connect(self._state.databases[area], autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def stock(self, product: int) -> int:
        """The pieces that are left."""
        found = dict(self.rows("inventory", "SELECT id, stock FROM products"))
        return int(found[product])

    def books(self, product: int) -> Books:
        """What is there now, while nobody uses the shop."""
        ((moment,),) = self.rows("orders", "SELECT clock_timestamp()")
        ((movements,),) = self.rows("inventory", "SELECT sum(change) FROM stock_movements")
        events = {
            area: [event for (event,) in self.rows(area, _EVENTS)]
            for area in ("inventory", "orders")
        }
        orders = self.rows("orders", _ORDERS)
        ((told,),) = self.rows("notifications", "SELECT count(*) FROM notifications")
        untold = sum(map(len, events.values())) - told
        return Books(moment, orders, self.stock(product), int(movements), events, untold)

    def differences(self, books: Books, product: int) -> list[str]:
        """What is not as the books say."""
        now = self.books(product)
        before, after = asdict(books), asdict(now)
        return [
            f"{what} were {before[what]} and are {after[what]}"
            for what in ("orders", "stock", "movements", "events")
            if before[what] != after[what]
        ]

    def await_told(self) -> None:
        """Wait until each event of the outboxes has one notification, and nothing else has."""
        events = [e for area in ("inventory", "orders") for (e,) in self.rows(area, _EVENTS)]

        def told() -> bool:
            found = self.rows("notifications", "SELECT event_id FROM notifications")
            return sorted(event for (event,) in found) == sorted(events)

        _until(told, "each event has one notification")

    def await_zero(self, area: str, statement: LiteralString) -> None:
        """Wait until a count is 0."""
        _until(lambda: self.rows(area, statement) == [(0,)], statement)

    def archive(self) -> None:
        """What happens within a minute by itself: the log's last segment is archived."""
        with psycopg.connect(self._state.admin_database, autocommit=True) as connection:
            (name,) = connection.execute(
                "SELECT pg_walfile_name(pg_current_wal_lsn())"
            ).fetchone() or ("",)
            connection.execute("SELECT pg_switch_wal()")

            def archived() -> bool:
                found = connection.execute("SELECT last_archived_wal FROM pg_stat_archiver")
                return str((found.fetchone() or ("",))[0] or "") >= str(name)

            _until(archived, "the log is archived")

    def frozen(self, process: str) -> "_Frozen":
        """A block in which a process of the platform stands still."""
        found = self._state.processes
        return _Frozen(found.get(process, found.get(process.replace("_", "-"), {}))["pid"])


class _Frozen:
    def __init__(self, pid: int) -> None:
        self._pid = pid

    def __enter__(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGCONT)


class _Seller(threading.Thread):
    """Sells one piece after another until it is ended."""

    def __init__(self, shop: _Shop, product: int) -> None:
        super().__init__(daemon=True)
        self._shop, self._product = shop, product
        self._over = threading.Event()
        self._failure: RehearsalError | None = None

    def run(self) -> None:
        """Sell."""
        while not self._over.wait(0.02):
            try:
                self._shop.sell(self._product, 1)
            except RehearsalError as error:
                self._failure = error
                return

    def end(self) -> None:
        """Stop selling; RehearsalError where an order failed."""
        self._over.set()
        self.join()
        if self._failure is not None:
            raise self._failure


def _await_end(layout: Layout) -> None:
    """Wait until what the killed platform ran has ended, as it does by itself."""

    def ended() -> bool:
        try:
            check_ports({layout.postgres: "PostgreSQL", layout.kafka: "Kafka"})
        except PlatformError:
            return False
        return True

    _until(ended, "the platform has ended")


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RehearsalError(f"not within {_SECONDS:g} s: {what}")
        time.sleep(0.1)
