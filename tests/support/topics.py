"""What is on Kafka: every record of the events' topics, and how far their readers are."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from local import manifests
from local.layout import ROOT
from local.manifests import KafkaSource

_POLL_MS = 500
# What waits for an answer without a bound has waited for ever, where Kafka had been ill.
_PATIENCE_MS, _PATIENCE_SECONDS = 10_000, 60.0
_MOST_POLLS = 60

Offsets = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the broker keeps it; `attributes` are those of the CloudEvent in it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    attributes: Mapping[str, str]

    @property
    def id(self) -> str:
        """The event's id; empty where the record holds no event."""
        return self.attributes.get("id", "")


class Topics:
    """The topics that the KafkaSources read."""

    def __init__(self, address: str) -> None:
        """`address` is Kafka's HOST:PORT."""
        self._address = address
        # Those that write dead letters come first, so that a lag of 0 covers what they wrote.
        self._sources = sorted(
            manifests.read(ROOT).kafka_sources,
            key=lambda source: source.delivery.dead_letter_topic is None,
        )

    def ends(self) -> dict[tuple[str, int], int]:
        """The offset behind the last record of each partition."""
        with self._consumer(None) as consumer:
            partitions = self._partitions(consumer)
            ends = consumer.end_offsets(partitions, timeout_ms=_PATIENCE_MS)
            return {(each.topic, each.partition): ends[each] for each in partitions}

    def records(self, since: Offsets) -> list[Record]:
        """Every record from these offsets on, by partition and offset."""
        ends = self.ends()
        found: list[Record] = []
        with self._consumer(None) as consumer:
            behind = {TopicPartition(*at) for at, end in ends.items() if end > since.get(at, 0)}
            if not behind:
                return found
            consumer.assign(sorted(behind))
            for each in behind:
                consumer.seek(each, since.get((each.topic, each.partition), 0))
            for _ in range(_MOST_POLLS):
                for records in consumer.poll(timeout_ms=_POLL_MS).values():
                    found += [_record(each) for each in records]
                behind = {b for b in behind if consumer.position(b) < ends[b.topic, b.partition]}
                if not behind:
                    break
            assert not behind, f"{behind} could not be read to their ends"
        return sorted(found, key=lambda each: (each.topic, each.partition, each.offset))

    def lag(self) -> int:
        """Records that the sources have not delivered yet, or not yet said so.

        Raises:
            KafkaError: Kafka has not answered, for a minute.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return sum(map(self._lag_of, self._sources))
            except KafkaError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _lag_of(self, source: KafkaSource) -> int:
        with self._consumer(source.group) as consumer:
            partitions = [p for p in self._partitions(consumer) if p.topic in source.topics]
            ends = consumer.end_offsets(partitions, timeout_ms=_PATIENCE_MS)
            return sum(
                ends[each] - (consumer.committed(each, timeout_ms=_PATIENCE_MS) or 0)
                for each in partitions
            )

    def _partitions(self, consumer: Any) -> list[TopicPartition]:
        topics = sorted({topic for source in self._sources for topic in source.topics})
        return [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]

    @contextlib.contextmanager
    def _consumer(self, group: str | None) -> Iterator[Any]:
        consumer = KafkaConsumer(
            bootstrap_servers=self._address,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False, timeout_ms=1_000)


def _record(fetched: Any) -> Record:
    attributes = {
        name.removeprefix("ce_"): (value or b"").decode("utf-8", "replace")
        for name, value in fetched.headers
        if name.startswith("ce_")
    }
    return Record(
        fetched.topic, fetched.partition, fetched.offset, fetched.key, fetched.value or b"",
        attributes,
    )  # fmt: skip
