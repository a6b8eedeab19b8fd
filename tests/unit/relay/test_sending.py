from typing import Any

import pytest
from cloudevents.kafka import KafkaMessage
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from relay.sending import publish

MESSAGES = [KafkaMessage({}, str(number), b"{}") for number in range(4)]


class Future:
    """A record's future that times out some times, then succeeds or fails."""

    def __init__(self, error: KafkaError | None = None, late: int = 0) -> None:
        self._error = error
        self._late = late

    @property
    def is_done(self) -> bool:
        return self._late <= 0

    def get(self, timeout: float | None = None) -> object:
        del timeout
        if self._late > 0:
            self._late -= 1
            raise KafkaTimeoutError
        if self._error is not None:
            raise self._error
        return None


class Producer:
    """Hands out futures in turn; an error in their place is raised."""

    def __init__(self, *futures: Future | KafkaError) -> None:
        self._futures = list(futures)
        self.sent = 0

    def send(self, topic: str, *, key: bytes | None, value: bytes, headers: Any) -> Future:
        del topic, key, value, headers
        self.sent += 1
        future = self._futures.pop(0)
        if isinstance(future, KafkaError):
            raise future
        return future

    def flush(self, timeout: float | None = None) -> None:
        """Nothing to send."""

    def close(self, timeout: float | None = None) -> None:
        """Nothing to close."""


def go(producer: Producer, *, give_up: bool = False) -> tuple[list[bool], KafkaError | None]:
    return publish(producer, "topic", MESSAGES, give_up=lambda: give_up)


def test_what_every_broker_acknowledges_is_published() -> None:
    assert go(Producer(*(Future(late=n) for n in range(4)))) == ([True] * 4, None)


def test_a_refusal_spares_the_others() -> None:
    error = KafkaError("no")

    assert go(Producer(Future(), Future(error), Future(), Future())) == (
        [True, False, True, True],
        error,
    )


def test_a_record_that_is_too_large_does_not_keep_the_others_back() -> None:
    error = MessageSizeTooLargeError("large")

    assert go(Producer(error, Future(), Future(), Future())) == ([False, True, True, True], error)


def test_where_the_broker_is_away_the_rest_is_not_even_tried() -> None:
    error = KafkaTimeoutError("no metadata")
    producer = Producer(Future(), error)

    assert go(producer) == ([True, False, False, False], error)
    assert producer.sent == 2


def test_what_has_no_answer_when_the_process_must_end_counts_as_failed() -> None:
    spoken, failure = go(
        Producer(Future(), Future(late=99), Future(), Future(late=99)), give_up=True
    )

    assert spoken == [True, False, True, False]
    assert isinstance(failure, KafkaTimeoutError)


def test_a_timeout_of_the_producer_itself_is_final() -> None:
    spoken, failure = go(
        Producer(Future(KafkaTimeoutError("expired")), Future(), Future(), Future())
    )

    assert spoken == [False, True, True, True]
    assert isinstance(failure, KafkaTimeoutError)


def test_defects_are_not_swallowed() -> None:
    producer = Producer()

    with pytest.raises(IndexError):
        go(producer)
