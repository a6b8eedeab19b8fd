"""What is on Kafka: every record of the events' topics, and how far their readers are."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from local import manifests
from local.layout import ROOT

_POLL_MS = 500
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
            ends = consumer.end_offsets(partitions)
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
        """Records that the sources have not delivered yet, or not yet said so."""
        total = 0
        for source in self._sources:
            with self._consumer(source.group) as consumer:
                partitions = [p for p in self._partitions(consumer) if p.topic in source.topics]
                ends = consumer.end_offsets(partitions)
                total += sum(ends[each] - (consumer.committed(each) or 0) for each in partitions)
        return total

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
            consumer.close(autocommit=False)


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
