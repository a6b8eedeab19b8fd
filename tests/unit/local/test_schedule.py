from datetime import UTC, datetime

import pytest

from local.events import schedule
from local.events.schedule import Schedule
from local.layout import PlatformError
from local.manifests import PingSource

_NOW = datetime(2026, 2, 28, 23, 59, 30, tzinfo=UTC)  # A Saturday.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", datetime(2026, 3, 1, 0, 0, tzinfo=UTC)),
        ("*/15 * * * *", datetime(2026, 3, 1, 0, 0, tzinfo=UTC)),
        ("5,35 * * * *", datetime(2026, 3, 1, 0, 5, tzinfo=UTC)),
        ("0 8-9 * * 1", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        ("30 12 2 3 *", datetime(2026, 3, 2, 12, 30, tzinfo=UTC)),
    ],
)
def test_the_next_minute_is_the_first_that_every_field_names(text: str, expected: datetime) -> None:
    assert Schedule(text).next(_NOW) == expected


@pytest.mark.parametrize("text", ["* * * *", "60 * * * *", "a * * * *", "5-1 * * * *", ""])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(PlatformError, match="schedule"):
        Schedule(text)


def test_a_ping_is_an_event_of_its_source() -> None:
    source = PingSource("settle-orders", "shop", "* * * * *", "application/json", b"{}", "x")
    event = schedule.event(source, _NOW)
    assert event.attributes["type"] == "dev.knative.sources.ping"
    assert event.attributes["source"] == "/apis/v1/namespaces/shop/pingsources/settle-orders"
    assert event.attributes["time"] == "2026-02-28T23:59:30.000Z"
