"""How far the reader of the relay's topic is behind, asked of the broker for the metrics.

The broker knows it wherever the reader runs: as a KafkaSource of Knative, or as its stand-in.
"""

from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from shop.chores import Chore
from shop.connection import Connection
from shop.shelf import Shelf
from shop.telemetry import Telemetry

_EVERY_SECONDS = 10.0
# The chores that read the database wait for this one meanwhile.
_PATIENCE_MS = 2_000
# It waits for answers, and costs little: it need not rest for long because one took long.
_OF_WAITING = 0.5


class Lag:
    """The reading of one consumer group."""

    def __init__(
        self, telemetry: Telemetry, prefix: str, servers: str, topic: str, group: str
    ) -> None:
        """`servers` has commas between its addresses, `group` is the group of the KafkaSource."""
        self._name = f"{prefix}_consumer_lag"
        self._shelf = Shelf(telemetry, self._name)
        self._servers = servers.split(",")
        self._topic = topic
        self._group = group
        self._consumer: Any = None

    def chore(self) -> Chore:
        """What reads it; where the broker does not answer, nothing is known."""
        return Chore(
            "consumer lag", _EVERY_SECONDS, self._read, share=_OF_WAITING, forget=self._shelf.clear
        )

    def _read(self, _: Connection) -> None:
        try:
            lag = self._lag()
        except KafkaError:
            # The relay itself says that Kafka does not answer.
            self._shelf.clear()
            self._disconnect()
        else:
            self._shelf.put(self._name, ((lag, {"consumer": self._group.replace("-", "_")}),))

    def _lag(self) -> int:
        consumer = self._connected()
        partitions = [
            TopicPartition(self._topic, number)
            for number in sorted(consumer.partitions_for_topic(self._topic) or ())
        ]
        if not partitions:
            return 0
        ends = consumer.end_offsets(partitions, timeout_ms=_PATIENCE_MS)
        # What a group has not begun, it reads from the beginning.
        begins = consumer.beginning_offsets(partitions, timeout_ms=_PATIENCE_MS)
        total = 0
        for each in partitions:
            reached = consumer.committed(each, timeout_ms=_PATIENCE_MS)
            total += max(0, ends[each] - max(begins[each], reached or 0))
        return total

    def _connected(self) -> Any:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._servers,
                bootstrap_timeout_ms=_PATIENCE_MS,
                # Above the session's, which this reader never has: it joins no group.
                request_timeout_ms=_PATIENCE_MS,
                session_timeout_ms=_PATIENCE_MS - 500,
                heartbeat_interval_ms=500,
                client_id=f"{self._topic}-lag",
                group_id=self._group,
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
        return self._consumer

    def _disconnect(self) -> None:
        if self._consumer is not None:
            self._consumer.close(autocommit=False, timeout_ms=0)
            self._consumer = None
