"""What the databases hold, asked of PostgreSQL in the cluster: answers are held to it."""

import csv
import io
import time
from dataclasses import dataclass

from cluster.kubectl import NAMESPACE, ClusterError, kubectl

_PENDING = """
SELECT count(*) AS n FROM orders
WHERE id > :since AND (status = 'pending' OR (status = 'cancelled' AND released_at IS NULL))
"""
_CONFIRMED = "SELECT count(*) AS n FROM orders WHERE id > :since AND status = 'confirmed'"
_UNPUBLISHED = "SELECT count(*) AS n FROM outbox WHERE published_at IS NULL"
_DECIDED = "SELECT count(*) AS n FROM outbox WHERE aggregateid::bigint > :since"
_TOLD = """
SELECT count(*) AS n FROM notifications
WHERE source = '/shophub/orders' AND split_part(subject, '/', 2)::bigint > :since
"""
_TOLD_OF = "SELECT count(*) AS n FROM notifications WHERE subject = :'subject'"
_LETTERS = "SELECT count(*) AS n FROM dead_letters WHERE replayed_at IS NULL"
_DIFFERENCES = """
SELECT count(*) AS n FROM (
  SELECT p.id FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id
  GROUP BY p.id HAVING p.stock <> coalesce(sum(m.change), 0)
) differing
"""


class UnprovenError(ClusterError):
    """A claim that did not hold; the message says what was seen."""


def expect(what: str, wrong: list[str]) -> None:
    """Print that it holds, or raise with what does not."""
    if wrong:
        raise UnprovenError(f"{what}: {'; '.join(wrong)}")
    print(f"    {what}: nothing lost, nothing doubled", flush=True)


def number(area: str, statement: str, **values: int | str) -> int:
    """The column `n` of a SELECT's one row in an area's database."""
    variables = [word for name, value in values.items() for word in ("-v", f"{name}={value}")]
    printed = kubectl(
        "-n", NAMESPACE, "exec", "-i", "postgres-0", "-c", "postgres", "--",
        "psql", "-q", "-U", "postgres", "-d", area, "--csv", *variables,
        stdin=f"{statement};\n",
    )  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(printed))
    return int(row["n"])


def told_of(product: int) -> bool:
    """Whether there is a notification on the product."""
    return number("notifications", _TOLD_OF, subject=f"products/{product}") > 0


@dataclass(frozen=True, slots=True)
class Books:
    """Where the books stood before a trial."""

    since: int
    letters: int

    @classmethod
    def opened(cls) -> "Books":
        """The books now."""
        last = number("orders", "SELECT coalesce(max(id), 0) AS n FROM orders")
        return cls(last, number("notifications", _LETTERS))

    def settle(self, seconds: float = 240.0) -> float:
        """Wait until no order is on its way, and every event is told of; the seconds it took."""
        began = time.monotonic()
        while not self._level():
            if time.monotonic() - began > seconds:
                raise ClusterError(f"After {seconds:g} s orders or events are still on their way.")
            time.sleep(1.0)
        return time.monotonic() - began

    def new_letters(self) -> int:
        """Dead letters that wait now and did not before."""
        return number("notifications", _LETTERS) - self.letters

    def untold(self) -> int:
        """Events of orders that no notification tells of yet."""
        return self._decided() - self._told()

    def _level(self) -> bool:
        waiting = number("orders", _PENDING, since=self.since)
        waiting += sum(number(area, _UNPUBLISHED) for area in ("inventory", "orders"))
        return waiting == 0 and self._told() >= self._decided()

    def _decided(self) -> int:
        return number("orders", _DECIDED, since=self.since)

    def _told(self) -> int:
        return number("notifications", _TOLD, since=self.since)

    def faults(self, *, confirmed: int, product: int, initial: int) -> list[str]:
        """What is wrong, in sentences: pieces, orders, events and notifications must agree."""
        wrong: list[str] = []
        kept = number("orders", _CONFIRMED, since=self.since)
        if kept != confirmed:
            wrong.append(f"{confirmed} orders were confirmed to clients, and {kept} are")
        if pending := number("orders", _PENDING, since=self.since):
            wrong.append(f"{pending} orders are on their way for ever")
        stock = number("inventory", "SELECT stock AS n FROM products WHERE id = :id", id=product)
        if stock != initial - confirmed:
            wrong.append(f"{stock} pieces are left of {initial} after {confirmed} sales")
        if differences := number("inventory", _DIFFERENCES):
            wrong.append(f"the ledger of {differences} products does not add up")
        decided, told = self._decided(), self._told()
        if decided != told:
            wrong.append(f"{decided} events of orders, and {told} notifications")
        # One of before may have been replayed meanwhile.
        if (letters := self.new_letters()) > 0:
            wrong.append(f"{letters} dead letters")
        return wrong
