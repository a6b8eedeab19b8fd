from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from relay.publish_outbox import Relay
from shop.settings import Settings
from tests.support import loops
from tests.support.kafka import Broker
from tests.support.tables import Inventory, Orders, Tables

MakeRelay = Callable[..., Relay]


@pytest.fixture
def make_relay(broker: Broker, inventory: Inventory, orders: Orders) -> Iterator[MakeRelay]:
    """Makes relays of an area, whose turns the test takes; they end with it.

    Further settings are given by name.
    """
    tables: dict[str, tuple[Tables, str]] = {
        "inventory": (inventory, "inventory-events"),
        "orders": (orders, "order-events"),
    }
    with ExitStack() as stack:

        def make(area: str, **further: str) -> Relay:
            database, topic = tables[area]
            loop = stack.enter_context(loops.loop(f"{area}-relay", area))
            settings = {
                "DATABASE_URL": database.url,
                "KAFKA_BOOTSTRAP_SERVERS": broker.servers,
                "TOPIC": topic,
                "CONSUMER_GROUP": f"reader-of-{topic}",
            }
            relay = Relay(loop, area, Settings(settings | further))
            stack.callback(relay.close)
            return relay

        yield make
