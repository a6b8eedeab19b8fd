"""What must hold of a shop, whatever went wrong while it was used.

`check` compares everything that is known of a run with everything else, and returns each
difference; a shop that lost nothing and did nothing twice has none. It reads nothing itself,
so that it can be shown histories that are broken, and a run of hours as well as one of seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.faults.history import History
from tests.faults.rules import events, orders, reads, stock

RULES: tuple[Callable[[History], Iterator[str]], ...] = (
    *orders.RULES,
    *stock.RULES,
    *events.RULES,
    *reads.RULES,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not hold, and by which rule."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def check(history: History) -> list[Difference]:
    """Every difference, by rule; an empty list where all is as it must be."""
    return [Difference(rule.__name__, what) for rule in RULES for what in rule(history)]
