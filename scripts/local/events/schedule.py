"""Sends the events of PingSources on their schedules."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from local.events.cloudevent import Event
from local.layout import PlatformError
from local.manifests import PingSource

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


class Schedule:
    """A cron schedule of five fields; `*`, `*/n`, `a`, `a-b` and lists of them, in UTC."""

    def __init__(self, text: str) -> None:
        """PlatformError where the text is no such schedule."""
        fields = text.split()
        if len(fields) != len(_RANGES):
            raise PlatformError(f"{text!r} is no schedule of five fields.")
        try:
            self._allowed = [
                _values(field, *bounds) for field, bounds in zip(fields, _RANGES, strict=True)
            ]
        except ValueError:
            raise PlatformError(f"{text!r} is no schedule that can be run here.") from None

    def next(self, after: datetime) -> datetime:
        """The first minute after `after` that the schedule names."""
        moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        while not self._names(moment):
            moment += timedelta(minutes=1)
        return moment

    def _names(self, moment: datetime) -> bool:
        parts = (moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)
        return all(part in allowed for part, allowed in zip(parts, self._allowed, strict=True))


def _values(field: str, least: int, most: int) -> frozenset[int]:
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            low, high = least, most
        else:
            low, high = int(first), int(last or (most if step else first))
        if not least <= low <= high <= most:
            raise ValueError(part)
        values.update(range(low, high + 1, int(step or 1)))
    return frozenset(values)


async def ping(source: PingSource, deliver: Callable[[Event], Awaitable[None]]) -> None:
    """Deliver the source's event at each of its minutes, for ever."""
    schedule = Schedule(source.schedule)
    while True:
        now = datetime.now(UTC)
        await asyncio.sleep((schedule.next(now) - now).total_seconds())
        await deliver(event(source, datetime.now(UTC)))


def event(source: PingSource, now: datetime) -> Event:
    """The event of one minute."""
    attributes = {
        "specversion": "1.0",
        "type": "dev.knative.sources.ping",
        "source": f"/apis/v1/namespaces/{source.namespace}/pingsources/{source.name}",
        "id": str(uuid.uuid4()),
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return Event(attributes, source.content_type, source.data, {})
