"""Writes dead letters to their topic, as a KafkaSink does."""

import asyncio
import logging

from kafka import KafkaProducer
from kafka.errors import KafkaError

from local.events.cloudevent import Event

_LOG = logging.getLogger(__name__)
_PAUSE_AFTER_FAILURE = 1.0


class DeadLetterWriter:
    """A producer that is made when the first dead letter comes."""

    def __init__(self, address: str) -> None:
        """`address` is Kafka's HOST:PORT."""
        self._address = address
        self._producer: KafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def write(self, topic: str, event: Event) -> None:
        """Return once Kafka has it. An event is not given up because its last resort is down."""
        while True:
            try:
                async with self._lock:
                    await asyncio.to_thread(self._send, topic, event)
            except KafkaError as error:
                _LOG.warning("a dead letter waits for Kafka: %s", error)
                await asyncio.sleep(_PAUSE_AFTER_FAILURE)
            else:
                return

    async def close(self) -> None:
        """Close the producer."""
        if self._producer is not None:
            await asyncio.to_thread(self._producer.close, 2.0)

    def _send(self, topic: str, event: Event) -> None:
        if self._producer is None:
            self._producer = KafkaProducer(
                bootstrap_servers=self._address,
                client_id="sink-dead-letters",
                acks="all",
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
        key = event.attributes.get("partitionkey")
        sent = self._producer.send(
            topic,
            value=event.data,
            key=key.encode() if key else None,
            headers=event.kafka_headers(),
        )
        sent.get(timeout=10)
