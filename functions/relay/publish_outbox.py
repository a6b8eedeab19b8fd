"""Publish an area's outbox: `AREA=orders TOPIC=order-events python -m relay.publish_outbox`.

An event is marked as published only after the broker has acknowledged it. Whatever dies in
between, the event is sent again under the same id, and the inbox of its reader drops the
duplicate.
"""

import logging
import sys
import time
from collections.abc import Sequence
from functools import partial

import psycopg
from kafka.errors import KafkaError

from relay import broker, readings
from relay.outbox import Outbox, Waiting, waves
from shop.chores import Chores
from shop.connection import Connection
from shop.events import EVENTS, short_name
from shop.loop import Loop
from shop.outage import Outage
from shop.settings import SettingError, Settings
from shop.telemetry import AREA_PREFIX

AREAS = ("inventory", "orders")

_MOST_EVENTS = 500
# Of one aggregate in a round; each waits for the acknowledgement of the one before.
_MOST_WAVES = 16
_STANDBY_SECONDS = 1.0
_STOP_SECONDS = 5.0
_BUSY_SECONDS = 0.5

_log = logging.getLogger(__name__)


class Relay:
    """The loop of one area."""

    def __init__(self, loop: Loop, area: str, settings: Settings) -> None:
        self._loop = loop
        self._source = f"/shophub/{area}"
        self._url = settings.text("DATABASE_URL")
        self._servers = settings.text("KAFKA_BOOTSTRAP_SERVERS")
        self._topic = settings.text("TOPIC")
        self._outbox = Outbox(area)
        self._connection: Connection | None = None
        self._producer: broker.Producer | None = None
        self._worked = time.monotonic()
        self._stop_at: float | None = None
        prefix = AREA_PREFIX[area]
        self._published = loop.telemetry.counter(f"{prefix}_outbox_published")
        for event in EVENTS:
            if event.area == area:
                self._published(0, {"type": event.name})
        count = loop.telemetry.counter(f"{prefix}_outbox_failures")
        self._database_outage, self._kafka_outage = (
            Outage(what, partial(count, 1, {"reason": reason}))
            for what, reason in (("PostgreSQL", "database"), ("Kafka", "kafka"))
        )
        self._tracer = loop.telemetry.tracer()
        self._chores = Chores(loop, self._url, readings.chores(area, loop.telemetry, settings))

    def turn(self) -> float:
        """Publish what waits; returns the seconds until it is worth looking again."""
        try:
            if self._connection is None:
                self._connection = Connection(self._url, self._loop.name)
                self._database_outage.over()
                if not self._outbox.lead(self._connection):
                    _log.info("another relay leads; this one stands by")
                    return self._stand_by()
                _log.info("publishing to %s", self._topic)
                self._chores.start()
            return self._publish(self._connection)
        except psycopg.OperationalError as error:
            self._disconnect()
            return self._database_outage.failed(error)
        except KafkaError as error:
            self.close()
            return self._kafka_outage.failed(error)

    def close(self) -> None:
        """End the producer; what it has not sent stays in the outbox."""
        if self._producer is not None:
            self._producer.close(timeout=0)
            self._producer = None

    def _publish(self, connection: Connection) -> float:
        if self._producer is None:
            # Ahead of the first event, which then need not wait for a connection.
            self._producer = broker.connect(self._servers)
            self._kafka_outage.over()
        waiting = self._outbox.waiting(connection, _MOST_EVENTS)
        if not waiting:
            return self._idle_pause()
        acknowledged, failure = self._send(self._producer, waiting)
        if acknowledged:
            self._outbox.mark(connection, [event.position for event in acknowledged])
            for event in acknowledged:
                self._published(1, {"type": short_name(event.type)})
        self._worked = time.monotonic()
        if failure is not None:
            raise failure
        return 0.0

    def _send(
        self, producer: broker.Producer, waiting: Sequence[Waiting]
    ) -> tuple[list[Waiting], KafkaError | None]:
        acknowledged: list[Waiting] = []
        for wave in waves(waiting, _MOST_WAVES):
            if self._given_up():
                break
            done, failure = broker.publish(
                producer,
                self._topic,
                [broker.message(event, self._source, self._handed_on(event)) for event in wave],
                give_up=self._given_up,
            )
            acknowledged += [event for event, good in zip(wave, done, strict=True) if good]
            if failure is not None:
                return acknowledged, failure
        return acknowledged, None
