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

from relay import readings
from relay.lag import Lag
from relay.outbox import Outbox, Waiting, waves
from relay.sending import event_message, publish
from relay.trace import Tracing
from shop import trust
from shop.broker import Producer, connect
from shop.chores import Chores
from shop.connection import Connection
from shop.events import EVENTS, SOURCES, short_name
from shop.instruments import AREA_PREFIX
from shop.keys import signer_of
from shop.loop import Loop
from shop.outage import Outage
from shop.settings import SettingError, Settings

_MOST_EVENTS = 500
# Of one aggregate in a round; each waits for the acknowledgement of the one before.
_MOST_WAVES = 16
_STANDBY_SECONDS = 1.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.002
_IDLE_SECONDS = 0.015
_BUSY_SECONDS = 0.5
# Where events come faster than this, those of as long are published together: each round costs
# PostgreSQL and Kafka the same, whatever it holds. An event that comes alone does not wait; in a
# crowd, where the processor is what an event waits for, they wait for more company: the longer,
# the more there were, so that a crowd grows while they come faster than one in as long.
_GATHER_SECONDS = 0.008
_CROWD = 3
_MOST_GATHER_SECONDS = 0.08

_log = logging.getLogger(__name__)


class Relay:
    """The loop of one area."""

    def __init__(self, loop: Loop, area: str, settings: Settings) -> None:
        self._loop = loop
        self._source = SOURCES[area]
        self._url = settings.text("DATABASE_URL")
        self._servers = settings.text("KAFKA_BOOTSTRAP_SERVERS")
        self._topic = settings.text("TOPIC")
        self._signer = trust.own_key(settings) if trust.is_on(settings) else None
        if self._signer is not None and signer_of(self._signer.kid) != loop.name:
            raise SettingError(f"IDENTITY_SIGNING_KEY is {self._signer.kid}, none of {loop.name}")
        self._outbox = Outbox(area)
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._leads = False
        self._worked = time.monotonic()
        self._stop_at: float | None = None
        prefix = AREA_PREFIX[area]
        self._published = loop.telemetry.counter(f"{prefix}_outbox_published")
        for event in EVENTS:
            if event.source() == self._source:
                self._published(0, {"type": event.name})
        count = loop.telemetry.counter(f"{prefix}_outbox_failures")
        for reason in ("database", "kafka"):
            count(0, {"reason": reason})
        self._database_outage, self._kafka_outage = (
            Outage(what, partial(count, 1, {"reason": reason}))
            for what, reason in (("PostgreSQL", "database"), ("Kafka", "kafka"))
        )
        self._tracing = Tracing(loop.telemetry, self._topic)
        group = settings.text("CONSUMER_GROUP")
        lag = Lag(loop.telemetry, prefix, self._servers, self._topic, group)
        chores = [*readings.chores(area, loop.telemetry, settings), lag.chore()]
        self._chores = Chores(loop, self._url, chores)

    def turn(self) -> float:
        """Publish what waits; returns the seconds until it is worth looking again."""
        try:
            connection = self._connected()
            if not (self._leads or self._lead(connection)):
                return _STANDBY_SECONDS
            return self._publish(connection)
        except psycopg.OperationalError as error:
            self._disconnect()
            return self._database_outage.failed(error)
        except KafkaError as error:
            self._drop_producer()
            return self._kafka_outage.failed(error)

    def close(self) -> None:
        """Give up the lead; what was not acknowledged stays in the outbox."""
        self._drop_producer()
        self._disconnect()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self._url, self._loop.name)
            self._database_outage.over()
        return self._connection

    def _lead(self, connection: Connection) -> bool:
        self._leads = self._outbox.lead(connection)
        if self._leads:
            _log.info("publishing to %s", self._topic)
            self._chores.start()
        return self._leads

    def _publish(self, connection: Connection) -> float:
        if self._producer is None:
            # Ahead of the first event, which then need not wait for a connection.
            self._producer = connect(self._servers, self._loop.name)
        waiting = self._outbox.waiting(connection, _MOST_EVENTS)
        if not waiting:
            return self._idle_pause()
        acknowledged, failure = self._send(self._producer, waiting)
        if acknowledged:
            self._outbox.mark(connection, [event.position for event in acknowledged])
            for event in acknowledged:
                self._published(1, {"type": short_name(event.type)})
            self._kafka_outage.over()
        now = time.monotonic()
        close = now - self._worked < _GATHER_SECONDS
        self._worked = now
        if failure is not None:
            raise failure
        if len(waiting) == _MOST_EVENTS or len(acknowledged) < len(waiting):
            return 0.0
        if len(waiting) >= _CROWD:
            return min(_GATHER_SECONDS * len(waiting), _MOST_GATHER_SECONDS)
        return _GATHER_SECONDS if close else _POLL_SECONDS

    def _send(
        self, producer: Producer, waiting: Sequence[Waiting]
    ) -> tuple[list[Waiting], KafkaError | None]:
        """Send in waves, as far as all goes well; returns what is acknowledged."""
        acknowledged: list[Waiting] = []
        for wave in waves(waiting, _MOST_WAVES):
            if self._loop.stopping.is_set():
                break
            traces = [self._tracing.begin(event) for event in wave]
            messages = [
                event_message(event, self._source, trace.traceparent, self._signer)
                for event, trace in zip(wave, traces, strict=True)
            ]
            spoken, failure = publish(producer, self._topic, messages, give_up=self._given_up)
            self._tracing.end(traces)
            acknowledged += [event for event, good in zip(wave, spoken, strict=True) if good]
            if failure is not None:
                return acknowledged, failure
        return acknowledged, None

    def _idle_pause(self) -> float:
        """Short while there was work lately: a poll that finds nothing costs 0.1 ms."""
        lately = time.monotonic() - self._worked < _BUSY_SECONDS
        return _POLL_SECONDS if lately else _IDLE_SECONDS

    def _given_up(self) -> bool:
        """Whether the process was told to end, and has waited long enough for the broker."""
        if not self._loop.stopping.is_set():
            return False
        now = time.monotonic()
        if self._stop_at is None:
            self._stop_at = now + _STOP_SECONDS
        return now > self._stop_at

    def _drop_producer(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=0)
            self._producer = None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._leads = False


def main() -> int:
    """Run until SIGTERM; returns the exit status."""
    settings = Settings()
    try:
        area = settings.one_of("AREA", tuple(SOURCES))
        loop = Loop(f"{area}-relay", area, settings)
        relay = Relay(loop, area, settings)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    status = loop.run(relay.turn)
    relay.close()
    loop.telemetry.shutdown()
    return status


if __name__ == "__main__":
    sys.exit(main())
