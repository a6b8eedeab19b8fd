"""What tests of several kinds start from: a database server, the functions, a client.

Nothing is started for tests that do not ask for it.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support import postgres
from tests.support.live import Client, Live, live
from tests.support.shop import Api, Shop
from tests.support.tables import Inventory, Orders


@pytest.fixture(scope="session")
def database_server() -> Iterator[postgres.Server]:
    """A PostgreSQL of this session, its databases migrated."""
    with postgres.server() as server:
        yield server


@pytest.fixture(scope="session")
def served(database_server: postgres.Server) -> Iterator[Shop]:
    """The functions of inventory and orders, started once."""
    shop = Shop(database_server)
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def inventory_tables(database_server: postgres.Server) -> Iterator[Inventory]:
    """A session with the inventory's database."""
    tables = Inventory(database_server.urls["inventory"])
    yield tables
    tables.close()


@pytest.fixture(scope="session")
def orders_tables(database_server: postgres.Server) -> Iterator[Orders]:
    """A session with the orders' database."""
    tables = Orders(database_server.urls["orders"])
    yield tables
    tables.close()


@pytest.fixture
def inventory(inventory_tables: Inventory) -> Inventory:
    """The inventory's database, empty."""
    inventory_tables.empty()
    return inventory_tables


@pytest.fixture
def orders(orders_tables: Orders) -> Orders:
    """The orders' database, empty."""
    orders_tables.empty()
    return orders_tables


@pytest.fixture
def shop(served: Shop, inventory: Inventory, orders: Orders) -> Iterator[Shop]:  # noqa: ARG001
    """The functions, over empty databases; what a test puts in their place goes with it."""
    yield served
    served.restore()


@pytest.fixture
async def api(shop: Shop) -> AsyncIterator[Api]:
    """A client of the functions."""
    client = Api(shop)
    yield client
    await client.close()


@pytest.fixture(scope="session")
def guarded_shop(database_server: postgres.Server) -> Iterator[Shop]:
    """The functions of inventory and orders, with authentication on, started once."""
    shop = Shop(database_server, guarded=True)
    yield shop
    shop.close()


@pytest.fixture
async def guarded(
    guarded_shop: Shop,
    inventory: Inventory,  # noqa: ARG001
    orders: Orders,  # noqa: ARG001
) -> AsyncIterator[Api]:
    """A client of the functions with authentication on, over empty databases."""
    client = Api(guarded_shop)
    yield client
    await client.close()


@pytest.fixture(scope="session")
def running() -> Iterator[Live]:
    """A whole shop: functions, loops, PostgreSQL and Kafka, each in its process."""
    with live() as shop:
        yield shop


@pytest.fixture
async def client(running: Live) -> AsyncIterator[Client]:
    """A client of the whole shop's gateway."""
    client = Client(running.url)
    yield client
    await client.close()
