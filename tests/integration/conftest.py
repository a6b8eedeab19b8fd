from collections.abc import Iterator

import pytest

from tests.support import kafka, postgres
from tests.support.notifications import Notifications


@pytest.fixture(scope="session")
def notifications_tables(database_server: postgres.Server) -> Iterator[Notifications]:
    """A session with the notifications' database."""
    tables = Notifications(database_server.urls["notifications"])
    yield tables
    tables.close()


@pytest.fixture
def notifications(notifications_tables: Notifications) -> Notifications:
    """The notifications' database, empty."""
    notifications_tables.empty()
    return notifications_tables


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[kafka.Broker]:
    """A Kafka of this session, with the shop's topics."""
    with kafka.broker() as running:
        yield running


@pytest.fixture
def broker(kafka_broker: kafka.Broker) -> kafka.Broker:
    """Kafka; what other tests have written is not seen."""
    kafka_broker.forget()
    return kafka_broker
