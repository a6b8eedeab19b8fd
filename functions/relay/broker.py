"""Kafka as the relay sees it: CloudEvents in, acknowledgements out."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from cloudevents.http import CloudEvent
from cloudevents.kafka import KafkaMessage, to_binary
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from relay.outbox import Waiting
from shop.events import SCHEMAS

# The producer repeats by itself for this long; then the round has failed and is sent anew.
_DELIVERY_SECONDS = 10.0
_LOOK_UP_SECONDS = 0.2


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
        self, topic: str, *, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
    ) -> Acknowledgement:
        """Hand a record to the sending thread."""

    def close(self, timeout: float | None = None) -> None:
        """End, and drop what is not sent within `timeout` seconds."""


def connect(servers: str) -> Producer:
    """A producer that keeps the order of a partition and writes no record twice by itself.

    Raises:
        KafkaError: no broker answers within 5 s.
    """
    producer: Producer = KafkaProducer(
        bootstrap_servers=servers.split(","),
        bootstrap_timeout_ms=5_000,
        client_id="shop-relay",
        acks="all",
        enable_idempotence=True,
        max_in_flight_requests_per_connection=5,
        # What waits is sent at once, and together: batches come of the backlog, not of waiting.
        linger_ms=0,
        batch_size=262_144,
        max_block_ms=5_000,
        request_timeout_ms=5_000,
        delivery_timeout_ms=int(_DELIVERY_SECONDS * 1000),
        reconnect_backoff_max_ms=500,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )
    return producer


def message(event: Waiting, source: str, traceparent: str | None) -> KafkaMessage:
    """The event as a CloudEvent in binary mode, keyed by its aggregate."""
    attributes = {
        "id": event.id,
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMAS}{event.type}.json",
        "partitionkey": event.aggregate_id,
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    made = to_binary(CloudEvent(attributes, event.data), data_marshaller=str.encode)
    # The package turns the partition key into the record's key only; who reads the event
    # elsewhere, or replays it as a dead letter, needs the attribute as well.
    made.headers["ce_partitionkey"] = event.aggregate_id.encode()
    if traceparent:
        made.headers["traceparent"] = traceparent.encode()
    return made


def publish(
    producer: Producer,
    topic: str,
    messages: Sequence[KafkaMessage],
    *,
    give_up: Callable[[], bool],
) -> tuple[list[bool], KafkaError | None]:
    """Send a wave, and wait until the broker has spoken on each of its messages.

    Returns of each whether it is acknowledged, and the first failure if there was one.
    `give_up` is asked while waiting; once it holds, what has no answer counts as failed.
    """
    failure: KafkaError | None = None
    sent: list[Acknowledgement | None] = []
    for made in messages:
        try:
            sent.append(_send(producer, topic, made))
        except KafkaError as error:
            sent.append(None)
            failure = failure or error
    spoken: list[bool] = []
    for future in sent:
        good = future is not None
        try:
            if future is not None:
                _wait(future, give_up)
        except KafkaError as error:
            good = False
            failure = failure or error
        spoken.append(good)
    return spoken, failure


def _send(producer: Producer, topic: str, made: KafkaMessage) -> Acknowledgement:
    key, value = made.key or b"", made.value
    return producer.send(
        topic,
        key=key if isinstance(key, bytes) else key.encode(),
        value=value if isinstance(value, bytes) else value.encode(),
        headers=list(made.headers.items()),
    )


def _wait(future: Acknowledgement, give_up: Callable[[], bool]) -> None:
    # The producer itself ends a record's life after its delivery timeout.
    deadline = time.monotonic() + _DELIVERY_SECONDS + 5.0
    while True:
        try:
            future.get(timeout=_LOOK_UP_SECONDS)
        except KafkaTimeoutError:
            if future.is_done or give_up() or time.monotonic() > deadline:
                raise
        else:
            return
