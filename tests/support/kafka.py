"""A Kafka of the tests' own: one broker, gone at the end."""

import asyncio
import contextlib
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from local.console import Console
from local.kafka import Kafka
from local.layout import HOST, Layout
from local.probe import listening
from shop import create_topics

TOPICS = [
    create_topics.Topic("inventory-events", 6),
    create_topics.Topic("order-events", 6),
    create_topics.Topic("dead-letters", 1),
]


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]


@dataclass(slots=True)
class Broker:
    """A broker that runs, and can be stopped and started again on the same data."""

    layout: Layout
    jars: list[str]
    child: subprocess.Popen[bytes] | None = None
    _seen: dict[TopicPartition, int] = field(default_factory=dict)

    @property
    def servers(self) -> str:
        """Its address."""
        return f"{HOST}:{self.layout.kafka}"

    def start(self) -> None:
        """Start, and wait until it listens."""
        spec = Kafka(self.layout).spec(self.jars)
        with (self.layout.logs / "kafka.log").open("ab") as log:
            self.child = subprocess.Popen(
                spec.command,
                env=spec.environment,
                cwd=spec.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while not asyncio.run(listening(self.layout.kafka)):
            assert self.child.poll() is None, "Kafka does not start"
            assert time.monotonic() < deadline, "Kafka does not listen"
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as the platform does."""
        if self.child is not None:
            self.child.terminate()
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
            self.child = None

    def forget(self) -> None:
        """Let `records` begin behind what is there now."""
        with self._consumer([topic.name for topic in TOPICS]) as (consumer, partitions):
            self._seen = dict(consumer.end_offsets(partitions))

    def records(self, topic: str) -> list[Record]:
        """All records of the topic since `forget`, each partition's in their order."""
        found: list[Record] = []
        with self._consumer([topic]) as (consumer, partitions):
            ends = consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, self._seen.get(partition, 0))
            left = {p for p in partitions if ends[p] > self._seen.get(p, 0)}
            deadline = time.monotonic() + 20
            while left and time.monotonic() < deadline:
                for partition, batch in consumer.poll(timeout_ms=200).items():
                    found += [_record(each) for each in batch]
                    if batch[-1].offset + 1 >= ends[partition]:
                        left.discard(partition)
        assert not left, f"records of {left} cannot be read"
        return found

    @contextlib.contextmanager
    def _consumer(self, topics: Sequence[str]) -> Iterator[tuple[Any, list[TopicPartition]]]:
        consumer = KafkaConsumer(bootstrap_servers=self.servers, metrics_enabled=False)
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            consumer.assign(partitions)
            yield consumer, partitions
        finally:
            consumer.close()


def _record(found: Any) -> Record:
    headers = {name: (value or b"").decode() for name, value in found.headers}
    return Record(
        found.topic, found.partition, found.offset, found.key, found.value or b"", headers
    )


@contextlib.contextmanager
def broker() -> Iterator[Broker]:
    """A broker on free ports with the shop's topics."""
    data = Path(tempfile.mkdtemp(prefix="shop-test-"))
    layout = Layout(data, _free_pair() - Layout(data).kafka)
    layout.logs.mkdir()
    console = Console()
    try:
        kafka = Kafka(layout)
        jars = asyncio.run(kafka.jars(console))
        asyncio.run(kafka.initialise(jars))
        running = Broker(layout, jars)
        running.start()
        try:
            client = create_topics.connect(running.servers)
            create_topics.ensure(client, TOPICS, 1)
            client.close()
            yield running
        finally:
            running.stop()
    finally:
        console.close()
        shutil.rmtree(data, ignore_errors=True)


def _free_pair() -> int:
    """A free port whose neighbour, the controller's, is free as well.

    It lies below those that the system gives to clients: none of theirs gets in between.
    """
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind((HOST, port))
            other.bind((HOST, port + 1))
            return port
