"""How far a notifier is behind, as the broker knows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata, TopicPartition

from relay.lag import Lag
from shop.chores import Chore
from shop.telemetry import Telemetry
from tests.support.kafka import Broker
from tests.support.readings import Observed
from tests.support.tables import Orders

_NAME = "order_consumer_lag"


def lag_of(group: str, servers: str, url: str) -> Observed:
    def chores(telemetry: Telemetry) -> list[Chore]:
        return [Lag(telemetry, "order", servers, "order-events", group).chore()]

    return Observed(chores, "orders", url)


@contextmanager
def reader(broker: Broker, group: str) -> Iterator[tuple[Any, dict[TopicPartition, int]]]:
    """A consumer of the group, and where the topic's partitions end."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker.servers, group_id=group, enable_auto_commit=False
    )
    numbers = consumer.partitions_for_topic("order-events") or ()
    partitions = [TopicPartition("order-events", number) for number in numbers]
    consumer.assign(partitions)
    try:
        yield consumer, consumer.end_offsets(partitions)
    finally:
        consumer.close(autocommit=False)


def handle_everything(broker: Broker, group: str) -> None:
    """Commit the topic's end for the group."""
    with reader(broker, group) as (consumer, ends):
        consumer.commit({each: OffsetAndMetadata(end, "", -1) for each, end in ends.items()})


def publish(broker: Broker, number: int) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.servers)
    for each in range(number):
        producer.send("order-events", key=str(each).encode(), value=b"{}")
    producer.flush()
    producer.close()


def test_the_lag_is_what_is_published_and_not_handled(broker: Broker, orders: Orders) -> None:
    group = f"notify-order-{uuid4().hex}"
    handle_everything(broker, group)
    shown = lag_of(group, broker.servers, orders.url)
    values = partial(shown.values, _NAME, "consumer")
    shown.run()
    assert values() == {group.replace("-", "_"): 0}

    publish(broker, 7)
    shown.run()
    assert values() == {group.replace("-", "_"): 7}

    handle_everything(broker, group)
    shown.run()
    assert values() == {group.replace("-", "_"): 0}


def test_what_a_group_has_not_begun_it_has_before_it(broker: Broker, orders: Orders) -> None:
    publish(broker, 2)
    group = f"new-{uuid4().hex}"
    with reader(broker, group) as (_, ends):
        total = sum(ends.values())
    shown = lag_of(group, broker.servers, orders.url)
    shown.run()
    assert list(shown.values(_NAME, "consumer").values()) == [total]


@pytest.mark.usefixtures("broker")
def test_where_no_broker_answers_nothing_is_known(orders: Orders) -> None:
    shown = lag_of("notify-order", "127.0.0.1:1", orders.url)
    shown.run()
    assert shown.values(_NAME, "consumer") == {}
