"""Sending a wave of events, and waiting for the broker's word on each."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from cloudevents.kafka import KafkaMessage
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from relay.outbox import Waiting
from shop.broker import DELIVERY_SECONDS, Acknowledgement, Producer, message, send
from shop.event_signatures import EXTENSION, signature
from shop.events import SCHEMAS
from shop.keys import Signer

_LOOK_UP_SECONDS = 0.2


def event_message(
    event: Waiting, source: str, traceparent: str | None, signer: Signer | None = None
) -> KafkaMessage:
    """The event as a CloudEvent, keyed by its aggregate, and signed where there is a signer."""
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
    data = event.data.encode()
    if signer is not None:
        attributes[EXTENSION] = signature(signer, attributes, data)
    return message(attributes, data)


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
            sent.append(send(producer, topic, made))
        except MessageSizeTooLargeError as error:
            sent.append(None)
            failure = failure or error
        except KafkaError as error:
            # Each further one would wait as long for what is not there.
            failure = failure or error
            break
    with suppress(KafkaError):  # Each record's future says what became of it.
        producer.flush(timeout=_LOOK_UP_SECONDS)
    sent += [None] * (len(messages) - len(sent))
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


def _wait(future: Acknowledgement, give_up: Callable[[], bool]) -> None:
    # The producer itself ends a record's life after its delivery timeout.
    deadline = time.monotonic() + DELIVERY_SECONDS + 5.0
    while True:
        final = future.is_done
        try:
            future.get(timeout=_LOOK_UP_SECONDS)
        except KafkaTimeoutError:
            if final or give_up() or time.monotonic() > deadline:
                raise
        else:
            return
