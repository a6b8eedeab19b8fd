"""Deliver stored notifications to NOTIFY_URLS: `python -m courier.deliver_notifications`.

Addresses are Apprise's, and `log://`, which is the default. What a channel does not take is
tried again, ever more rarely, without telling those that have it twice.
"""

import contextvars
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from courier import claims, readings
from courier.channels import LOG, Channel, open_channels
from courier.claims import Claimed
from courier.trace import Tracing
from shop.chores import Chores
from shop.connection import Connection
from shop.loop import Loop
from shop.outage import Outage
from shop.settings import SettingError, Settings

NAME = "courier"

_IDLE_SECONDS = 0.25
_LEASE_SECONDS = 120.0
# What is not begun by then is given back: the lease must cover what is, and a loop that does not
# turn for a minute is taken for one that hangs.
_BEGIN_SECONDS = 30.0
# For how long the slowest channel, where it takes one notification in some seconds, may be at it.
_PACED_SECONDS = 20.0
_MOST_AT_ONCE = 500
_MOST_AT_ONCE_REMOTE = 64
_THREADS = 16
_LONGEST_PAUSE = 600.0


@dataclass(slots=True)
class Delivery:
    """One notification on its way to the channels that do not have it yet."""

    notification: Claimed
    missing: list[Channel]
    reached: list[str] = field(default_factory=list)
    tried: bool = False

    @property
    def complete(self) -> bool:
        """Whether every channel has it."""
        return self.tried and len(self.reached) == len(self.missing)


class Courier:
    """The loop."""

    def __init__(self, loop: Loop, settings: Settings) -> None:
        self._loop = loop
        self._url = settings.text("DATABASE_URL")
        self._channels = open_channels(settings.text("NOTIFY_URLS", LOG))
        remote = any(channel.remote for channel in self._channels)
        self._most = _most_at_once(self._channels)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="send") if remote else None
        self._connection: Connection | None = None
        self._outage = Outage("PostgreSQL")
        self._failed = loop.telemetry.counter("notification_delivery_failures")
        self._failed(0, {})
        self._tracing = Tracing(loop.telemetry, remote=remote)
        self._chores = Chores(loop, self._url, readings.chores(loop.telemetry, settings))

    def turn(self) -> float:
        """Deliver what is due; returns the seconds until it is worth looking again."""
        try:
            if self._connection is None:
                self._connection = Connection(self._url, NAME)
                self._outage.over()
                self._chores.start()
            claimed = claims.claim(self._connection, self._most, _LEASE_SECONDS)
            if claimed:
                self._settle(self._connection, self._deliver(claimed))
            return 0.0 if len(claimed) == self._most else _IDLE_SECONDS
        except psycopg.OperationalError as error:
            self._disconnect()
            return self._outage.failed(error)

    def close(self) -> None:
        """End the threads and the session."""
        if self._pool is not None:
            self._pool.shutdown()
        self._disconnect()

    def _deliver(self, claimed: Sequence[Claimed]) -> list[Delivery]:
        """Send to the channels; returns how it went."""
        deliveries = [
            Delivery(one, [c for c in self._channels if c.name not in one.delivered_to])
            for one in claimed
        ]
        begin_by = time.monotonic() + _BEGIN_SECONDS
        if self._pool is None:
            for delivery in deliveries:
                contextvars.copy_context().run(self._send, delivery, begin_by)
        else:
            for sent in [self._pool.submit(self._send, one, begin_by) for one in deliveries]:
                sent.result()
        return deliveries

    def _send(self, delivery: Delivery, begin_by: float) -> None:
        if self._loop.stopping.is_set() or time.monotonic() > begin_by:
            return
        delivery.tried = True
        with self._tracing.follow(delivery.notification):
            for channel in delivery.missing:
                if channel.send(delivery.notification):
                    delivery.reached.append(channel.name)

    def _settle(self, connection: Connection, deliveries: Sequence[Delivery]) -> None:
        complete = [one.notification.id for one in deliveries if one.complete]
        if complete:
            claims.delivered(connection, complete)
        if untried := [one.notification.id for one in deliveries if not one.tried]:
            claims.give_back(connection, untried)
        for one in deliveries:
            if one.tried and not one.complete:
                self._failed(1, {})
                reached = [*one.notification.delivered_to, *one.reached]
                claims.postpone(connection, one.notification, reached, _pause(one))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _most_at_once(channels: Sequence[Channel]) -> int:
    """How many notifications a turn may take, so that it ends in time."""
    if not any(channel.remote for channel in channels):
        return _MOST_AT_ONCE
    slowest = max(channel.seconds_each for channel in channels)
    return max(1, int(_PACED_SECONDS / max(slowest, _PACED_SECONDS / _MOST_AT_ONCE_REMOTE)))


def _pause(delivery: Delivery) -> float:
    """Seconds until the next attempt: 1 to 2 at first, doubled each time, 5 to 10 min at most."""
    most = min(_LONGEST_PAUSE, 2.0 ** min(delivery.notification.attempts, 30))
    return random.uniform(most / 2, most)  # noqa: S311 - jitter, no secret


def main() -> int:
    """Run until SIGTERM; returns the exit status."""
    settings = Settings()
    try:
        loop = Loop(NAME, "notifications", settings)
        courier = Courier(loop, settings)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    status = loop.run(courier.turn)
    courier.close()
    loop.telemetry.shutdown()
    return status


if __name__ == "__main__":
    sys.exit(main())
