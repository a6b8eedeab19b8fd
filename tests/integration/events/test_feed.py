"""How the stand-in for KafkaSource reads a topic whose deliveries are slow."""

import asyncio
from collections import defaultdict

from kafka import KafkaProducer

from local.events.cloudevent import Event
from local.events.feed import Feed
from local.manifests import Delivery, KafkaSource
from shop import create_topics
from tests.support.kafka import Broker

TOPIC = "slow-events"
RECORDS = 3_000
DELIVERY = Delivery(retry=0, exponential=True, delay=0.1, timeout=5.0, dead_letter_topic=None)
SOURCE = KafkaSource(
    name=TOPIC,
    namespace="shop",
    topics=(TOPIC,),
    group="test",
    initial_offset="earliest",
    sink="none",
    delivery=DELIVERY,
)


def _fill(broker: Broker) -> None:
    client = create_topics.connect(broker.servers)
    create_topics.ensure(client, [create_topics.Topic(TOPIC, 2)], 1)
    client.close()
    producer = KafkaProducer(bootstrap_servers=broker.servers)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"test"),
        ("ce_source", b"/test"),
        ("ce_id", b"1"),
    ]
    for number in range(RECORDS):
        for partition in (0, 1):
            value = f"{partition} {number}".encode()
            producer.send(TOPIC, value=value, partition=partition, headers=headers)
    producer.flush()
    producer.close()


async def test_a_slow_partition_is_held_back_and_loses_nothing_when_it_is_let_go(
    broker: Broker,
) -> None:
    await asyncio.to_thread(_fill, broker)
    seen: defaultdict[int, list[int]] = defaultdict(list)
    gate = asyncio.Event()

    async def deliver(event: Event) -> None:
        partition, number = map(int, event.data.split())
        if partition == 0:
            await gate.wait()
        seen[partition].append(number)

    feed = Feed(SOURCE, broker.servers, deliver)
    feed.start()
    try:
        async with asyncio.timeout(30):
            while len(seen[1]) < RECORDS:
                await asyncio.sleep(0.05)
        held = {lane.name: lane.waiting for lane in feed._lanes.values()}
        assert seen[0] == []
        assert 500 < held[f"{TOPIC}-0"] <= 1_000
        gate.set()
        async with asyncio.timeout(30):
            while len(seen[0]) < RECORDS:
                await asyncio.sleep(0.05)
    finally:
        gate.set()
        await feed.stop(5.0)
    assert seen == {0: list(range(RECORDS)), 1: list(range(RECORDS))}
