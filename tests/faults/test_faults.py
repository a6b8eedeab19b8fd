"""Whatever dies while orders come in, nothing is lost, and nothing is done twice."""

import os
from functools import partial

import pytest

from tests.faults.faults import Fault
from tests.faults.run import Outcome, Strike, prepared, under
from tests.faults.shoppers import Shoppers
from tests.support.live import Live

# SHOP_FAULTS=long kills each process on its own, under more orders, and several times over.
LONG = os.environ.get("SHOP_FAULTS") == "long"
ORDERS = 1000 if LONG else 200

SHORT_RUNS: dict[str, tuple[Fault, ...]] = {
    "kafka": (Fault(("kafka",)),),
    "postgres": (Fault(("postgres",)),),
    "both relays": (Fault(("orders-relay",), 0.2), Fault(("inventory-relay",), 0.5)),
    "create_order": (Fault(("create_order",)),),
    "reserve_stock, gateway": (Fault(("reserve_stock",), 0.2), Fault(("gateway",), 0.6)),
    "notify_order, courier": (Fault(("notify_order",), 0.2), Fault(("courier",), 0.5)),
    "event-sources": (Fault(("event-sources",)),),
    "reserve_stock frozen 6 s": (Fault(("reserve_stock",), frozen=6.0),),
    "nine at once": (
        Fault(
            (
                "kafka", "postgres", "orders-relay", "inventory-relay", "create_order",
                "reserve_stock", "gateway", "notify_order", "event-sources",
            )
        ),
    ),
}  # fmt: skip
ALL = (
    "kafka", "postgres", "orders-relay", "inventory-relay", "courier", "event-sources", "gateway",
    "create_order", "reserve_stock", "release_stock", "cancel_order", "settle_orders",
    "notify_order", "notify_inventory",
)  # fmt: skip
LONG_RUNS: dict[str, tuple[Fault, ...]] = {
    **{f"{name} three times": tuple(Fault((name,), at) for at in (0.1, 0.4, 0.7)) for name in ALL},
    "reserve_stock frozen 6 s": (Fault(("reserve_stock",), frozen=6.0),),
    "postgres frozen 6 s": (Fault(("postgres",), frozen=6.0),),
    "kafka frozen 20 s": (Fault(("kafka",), frozen=20.0),),
    "all at once, twice": (Fault(ALL, 0.2), Fault(ALL, 0.6)),
}
RUNS = LONG_RUNS if LONG else SHORT_RUNS


@pytest.mark.parametrize("what", RUNS)
async def test_nothing_is_lost_or_done_twice_when_it_dies(
    what: str, running: Live, outcomes: list[Outcome]
) -> None:
    products, since = await prepared(running, ORDERS)
    shoppers = Shoppers(running.url, products, ORDERS)
    strikes = [Strike(fault.at, partial(fault.strike, running)) for fault in RUNS[what]]
    outcome = await under(running, what, strikes, shoppers, since)
    outcomes.append(outcome)
    assert outcome.differences == [], "\n".join(map(str, outcome.differences[:50]))
    assert all(asked.answers for asked in shoppers.asked), "a client had no answer in 60 s"
    statuses = {order.status for order in outcome.history.orders}
    assert statuses == {"confirmed", "rejected", "cancelled"}
