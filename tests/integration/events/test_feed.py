"""The stand-in for KafkaSource where deliveries are slow, and where Kafka forgets offsets."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

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


def _fill(broker: Broker, topic: str = TOPIC, records: int = RECORDS) -> None:
    client = create_topics.connect(broker.servers)
    create_topics.ensure(client, [create_topics.Topic(topic, 2)], 1)
    client.close()
    producer = KafkaProducer(bootstrap_servers=broker.servers)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"test"),
        ("ce_source", b"/test"),
        ("ce_id", b"1"),
    ]
    for number in range(records):
        for partition in (0, 1):
            value = f"{partition} {number}".encode()
            producer.send(topic, value=value, partition=partition, headers=headers)
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


async def test_offsets_that_kafka_loses_are_known_to_who_has_read(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = "forgotten-events"
    source = replace(SOURCE, name=topic, topics=(topic,), group="forgotten")
    await asyncio.to_thread(_fill, broker, topic, 50)
    seen: list[str] = []
    fails = False

    async def deliver(event: Event) -> None:
        seen.append(event.data.decode())

    def poll(self: Feed, consumer: Any) -> Any:
        nonlocal fails
        if fails:
            fails = False
            raise KafkaError("as where the broker has gone")
        return polled(self, consumer)

    polled = Feed._poll
    monkeypatch.setattr(Feed, "_poll", poll)
    feed = Feed(source, broker.servers, deliver)
    feed.start()
    try:
        await _until(lambda: len(seen) == 100)
        await asyncio.sleep(2)  # Until it is committed.
        admin = KafkaAdminClient(bootstrap_servers=broker.servers)
        await asyncio.to_thread(admin.delete_groups, ["forgotten"])
        fails = True
        await _until(lambda: not fails)
        await asyncio.to_thread(_fill, broker, topic, 51)
        await _until(lambda: len(seen) >= 202)
        await asyncio.sleep(1)
    finally:
        await feed.stop(5.0)

    assert len(seen) == 202
    offsets = await asyncio.to_thread(admin.list_group_offsets, "forgotten")
    admin.close()
    assert [each.offset for each in offsets["forgotten"].values()] == [101, 101]


async def _until(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.05)
