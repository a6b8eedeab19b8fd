"""What goes wrong, and when: drawn from a seed, or read from a list.

A schedule is a list of lines such as `12.5 kill create_order` or
`14 slow create_order>reserve_stock 3 0.25`: seconds after the start, a kind, what it strikes, for
how many seconds, how strongly. The same seed gives the same schedule. A run that finds something
prints both as options; with a shorter list one finds out what it needs.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

# All that a shop without accounts consists of; tests/faults/test_schedule.py holds it to that.
PROCESSES = (
    "cancel_order", "create_order", "create_product", "delete_product", "get_order",
    "get_product", "list_categories", "list_dead_letters", "list_notifications", "list_orders",
    "list_products", "notify_inventory", "notify_order", "receive_stock", "record_dead_letter",
    "release_stock", "reserve_stock", "settle_orders", "update_product", "orders-relay",
    "inventory-relay", "courier", "event-sources", "gateway", "postgres", "kafka",
)  # fmt: skip
LINKS = (
    "client>gateway", "gateway>create_order", "gateway>cancel_order", "gateway>get_order",
    "gateway>create_product", "gateway>update_product", "gateway>receive_stock",
    "gateway>delete_product", "create_order>reserve_stock", "cancel_order>release_stock",
    "settle_orders>release_stock", "create_order>postgres", "cancel_order>postgres",
    "settle_orders>postgres", "reserve_stock>postgres", "release_stock>postgres",
    "create_product>postgres", "update_product>postgres", "receive_stock>postgres",
    "notify_order>postgres", "notify_inventory>postgres", "record_dead_letter>postgres",
    "courier>postgres", "orders-relay>postgres", "orders-relay>kafka", "inventory-relay>postgres",
    "inventory-relay>kafka", "event-sources>kafka", "event-sources>record_dead_letter",
    "event-sources>settle_orders",
)  # fmt: skip
CLOCKS = ("postgres", "gateway", "create_order", "settle_orders", "notify_order")
DISKS = ("postgres", "kafka")
MANNERS = ("twice", "late", "shuffled", "unheard")
POISONS = ("unknown", "broken", "no-event")

# Every kind that is drawn; a list may also name `stop` and `crash`, of the whole platform.
KINDS = (
    "kill", "freeze", "slow", "cut", "silent", "deaf", "clock", "full", "deliver", "poison",
    "rebalance",
)  # fmt: skip
_LAST_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, `at` seconds after the start, for `seconds`.

    `strength` is the delay of a slow link, or by how much a clock jumps; both in seconds.
    """

    at: float
    kind: str
    target: str = ""
    seconds: float = 0.0
    strength: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.at:g}", self.kind, self.target]
        if self.seconds or self.strength:
            words.append(f"{self.seconds:g}")
        if self.strength:
            words.append(f"{self.strength:g}")
        return " ".join(word for word in words if word)

    @classmethod
    def read(cls, line: str) -> Self:
        """A fault as it was printed."""
        at, kind, *rest = line.split()
        target = rest.pop(0) if rest and not _is_number(rest[0]) else ""
        seconds, strength = (*map(float, rest), 0.0, 0.0)[:2]
        return cls(float(at), kind, target, seconds, strength)


def _is_number(word: str) -> bool:
    return word.lstrip("+-").replace(".", "", 1).isdigit()


def read(text: str) -> list[Fault]:
    """Faults that are separated by semicolons or lines."""
    lines = (line.strip() for line in text.replace("\n", ";").split(";"))
    return [Fault.read(line) for line in lines if line]


def draw(seed: int, seconds: float, *, every: float, without: Sequence[str] = ()) -> list[Fault]:
    """Faults for a run of that many seconds, about `every` seconds one.

    Each kind comes before any comes again; several may last at the same time. `without` names
    kinds that cannot be made here.
    """
    chance = random.Random(seed)
    kinds = [kind for kind in KINDS if kind not in without]
    found: list[Fault] = []
    at, bag = 1.0, list[str]()
    while at < seconds - _LAST_SECONDS:
        if not bag:
            bag = kinds.copy()
            chance.shuffle(bag)
        found.append(_draw_one(chance, bag.pop(), round(at, 2)))
        at += chance.uniform(0.4, 1.6) * every
    return found


def _draw_one(chance: random.Random, kind: str, at: float) -> Fault:
    short, long = round(chance.uniform(0.5, 2.0), 2), round(chance.uniform(2.0, 5.0), 2)
    targets: Sequence[str] = {
        "kill": PROCESSES, "freeze": PROCESSES, "slow": LINKS, "cut": LINKS, "silent": LINKS,
        "deaf": LINKS, "clock": CLOCKS, "full": DISKS, "deliver": MANNERS, "poison": POISONS,
    }.get(kind, ("",))  # fmt: skip
    seconds = {"kill": 0.0, "poison": 0.0, "cut": short, "silent": short, "deaf": short}
    strength = 0.0
    if kind == "slow":
        strength = round(chance.uniform(0.05, 0.5), 2)
    elif kind == "clock":
        strength = chance.choice((-600.0, -45.0, 45.0, 600.0))
    return Fault(at, kind, chance.choice(targets), seconds.get(kind, long), strength)
