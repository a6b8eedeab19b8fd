"""Kafka for those who write to it: a producer, and CloudEvents in binary mode."""

from collections.abc import Mapping
from typing import Protocol

from cloudevents.http import CloudEvent
from cloudevents.kafka import KafkaMessage, to_binary
from kafka import KafkaProducer

# The producer repeats by itself for this long.
DELIVERY_SECONDS = 10.0


class Acknowledgement(Protocol):
    """The future of one record, as kafka-python's producer gives it."""

    def get(self, timeout: float | None = None) -> object:
        """Wait for the broker's word; raises KafkaError where it is no, or not there in time."""

    @property
    def is_done(self) -> bool:
        """Whether the word is there."""


class Producer(Protocol):
    """What the relay needs of kafka-python's producer."""

    def send(
        self, topic: str, *, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> Acknowledgement:
        """Hand a record to the sending thread."""

    def flush(self, timeout: float | None = None) -> None:
        """Send at once what was handed over; KafkaTimeoutError where it takes longer."""

    def close(self, timeout: float | None = None) -> None:
        """End, and drop what is not sent within `timeout` seconds."""


def connect(servers: str, client_id: str) -> Producer:
    """A producer that keeps the order of a partition and writes no record twice by itself.

    Raises:
        KafkaError: no broker answers within 2 s.
    """
    producer: Producer = KafkaProducer(
        bootstrap_servers=servers.split(","),
        bootstrap_timeout_ms=2_000,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        max_in_flight_requests_per_connection=5,
        # Batches come of the backlog, not of waiting: whoever has several records hands them over
        # and flushes, and they are one request. Sent one by one, each would be one.
        linger_ms=5,
        batch_size=262_144,
        max_block_ms=5_000,
        request_timeout_ms=5_000,
        delivery_timeout_ms=int(DELIVERY_SECONDS * 1000),
        reconnect_backoff_max_ms=500,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )
    return producer


def message(attributes: Mapping[str, str], data: str | bytes) -> KafkaMessage:
    """A CloudEvent as a record in binary mode, with its `partitionkey` as the key."""
    made = to_binary(CloudEvent(attributes, data), data_marshaller=_as_it_is)
    # The package makes the partition key the record's key only, and knows nothing of traces: who
    # reads the event elsewhere, or replays it as a dead letter, needs the attribute as well.
    if "partitionkey" in attributes:
        made.headers["ce_partitionkey"] = attributes["partitionkey"].encode()
    if "traceparent" in attributes:
        made.headers["traceparent"] = attributes["traceparent"].encode()
    return made


def send(producer: Producer, topic: str, made: KafkaMessage) -> Acknowledgement:
    """Hand a record to the producer; KafkaError where it does not even take it."""
    key, value = made.key, made.value
    return producer.send(
        topic,
        key=key.encode() if isinstance(key, str) else key,
        value=value.encode() if isinstance(value, str) else value,
        headers=list(made.headers.items()),
    )


def _as_it_is(data: str | bytes) -> str | bytes:
    return data
