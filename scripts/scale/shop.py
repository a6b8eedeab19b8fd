"""The shop's stations, from measured figures, and the designs that answer what breaks."""

from dataclasses import dataclass

from scale.stations import Station

# Orders a second: a little less than one machine bears in its worst five seconds, which is 222
# (docs/benchmarks.md).
ONE_MACHINE = 200.0

# From the figures of docs/benchmarks.md, in seconds. A reservation alone takes no more of a core
# than pgbench's rate of them leaves, with PostgreSQL on one core.
RESERVE_ALONE = 1 / 2_573
# Each of 32 that go together (decision 39): taken on a busier machine, so rather too long.
RESERVE_EACH = 1 / 15_030
# From a hot row's update until its commit is on disk: pgbench's rate, one after the other.
ROW_HELD = 1 / 1_177
# Place and confirm, in the orders' database: what pgbench's saga of three commits leaves beside the
# reservation, on two cores.
ORDER_WRITES = 2 / 1_413 - RESERVE_ALONE
# Of the relay's processor, for an event that Kafka acknowledges.
PUBLISH = 190e-6

# Assumed, not measured: an event's way from a partition through its notifier and back, on a
# cluster; and the share of the orders that want the product that everybody wants.
DELIVERY = 0.004
HOT_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Design:
    """How the shop is built and laid out."""

    name: str
    together: int = 1
    inventory_cores: int = 2
    orders_cores: int = 2
    relays: int = 1
    partitions: int = 6


DESIGNS = (
    Design("one statement each"),
    Design("taken together", together=32),
    Design("and 96 partitions", together=32, partitions=96),
    Design("and 8 parts of the outbox", together=32, partitions=96, relays=8),
    Design(
        "and larger databases", together=32, partitions=96, relays=8,
        inventory_cores=32, orders_cores=32,
    ),
)  # fmt: skip


def stations(design: Design, hot_share: float = HOT_SHARE) -> list[Station]:
    """What an order passes, in its order. Functions are left out: pods are added as needed."""
    return [
        Station("orders database", design.orders_cores, 0.0, ORDER_WRITES),
        Station("inventory database", design.inventory_cores, 0.0, RESERVE_ALONE),
        # One holds the row at a time, whichever process it is.
        Station("hot row", 1, ROW_HELD, RESERVE_EACH, design.together, hot_share),
        Station("relay", design.relays, 0.0, PUBLISH),
        Station("partitions", design.partitions, 0.0, DELIVERY),
    ]
