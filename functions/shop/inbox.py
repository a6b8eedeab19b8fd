"""What every notifier does with an event: read it, and tell of it once."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shop import tracing
from shop.api.fields import storable
from shop.database import Database
from shop.errors import BadRequest
from shop.events import BY_TYPE, Event, Received
from shop.services import Services
from shop.storing import STORE, Storing

# An index entry holds consumer, source and id: so many bytes of the latter two each.
_LONGEST_NAME = 500


@lru_cache(maxsize=1)
def _storing(database: Database) -> Storing:
    """What stores into the process's database."""
    return Storing(database, STORE)


@cache
def _adapter(event_type: str) -> TypeAdapter[Event]:
    return TypeAdapter(BY_TYPE[event_type])


def shown(events: Sequence[type[Event]]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """What a notifier of these events shows before the first has come."""
    names = tuple(event.name for event in events)
    instruments = (
        "notification_duplicate_events",
        "notification_message_processing_duration",
        "notification_event_latency",
    )
    return tuple((instrument, "type", names) for instrument in instruments)


def read(received: Received, expected: Sequence[type[Event]]) -> Event:
    """The event's data as its dataclass; members that it does not know are ignored.

    Raises:
        BadRequest: the type is none of the expected ones, the data does not fit it, or the
            event cannot be told of; no repetition would change that.
    """
    for event in expected:
        if event.type() == received.type:
            break
    else:
        raise BadRequest(f"This function knows no {received.type[:200]}.")
    names = received.id, received.source
    if any(len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME for name in names):
        raise BadRequest(f"An id or source has at most {_LONGEST_NAME} bytes here.")
    try:
        return _adapter(received.type).validate_python(received.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "data"
        raise BadRequest(f"The data is no {event.name}: {place}: {first['msg']}") from None


async def tell(
    received: Received, services: Services, event: Event, title: str, message: str
) -> Mapping[str, Any]:
    """Store a notification on the event, unless it was told of before.

    Returns what goes into the request's log line.

    Raises:
        BadRequest: the text cannot be stored.
        DependencyDown: PostgreSQL does not answer.
    """
    values = {
        "consumer": services.function,
        "source": received.source,
        "event_id": received.id,
        "type": event.name,
        "title": title,
        "message": message,
        "subject": received.subject,
        "traceparent": tracing.traceparent(),
        "event_time": received.time.isoformat() if received.time else None,
    }
    for text in values.values():
        try:
            storable(text or "")
        except ValueError as error:
            raise BadRequest(f"The event holds a text that {error}.") from None
    if not await _storing(services.database).store(values):
        services.telemetry.count("notification_duplicate_events", 1, type=event.name)
        return {"duplicate": True}
    _measure(received, services, event)
    return {"notification": f"{title}: {message}"}


def _measure(received: Received, services: Services, event: Event) -> None:
    services.telemetry.record(
        "notification_message_processing_duration",
        time.perf_counter() - received.arrived,
        type=event.name,
    )
    if received.time is not None:
        latency = (datetime.now(UTC) - received.time).total_seconds()
        services.telemetry.record("notification_event_latency", max(0.0, latency), type=event.name)
