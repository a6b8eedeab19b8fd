import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.notifications import LAPTOP, TRACE, WIDE, Notifications, Told

UPDATED = {
    "product_id": 1,
    "product": "Laptop",
    "price": 949.9,
    "stock": 55,
    "version": 2,
}
LOW = {"product_id": 1, "product": "Laptop", "stock": 9, "low_stock_threshold": 10}


@pytest.mark.parametrize(
    ("name", "data", "title", "message"),
    [
        ("product.created", LAPTOP, "📦 New product added", "Laptop: 50 in stock at 999.99"),
        (
            "product.updated",
            UPDATED | {"cause": "edit"},
            "🔄 Product updated",
            "Laptop: 55 in stock at 949.90",
        ),
        (
            "product.updated",
            UPDATED | {"cause": "restock"},
            "🔄 Product updated",
            "Laptop: restocked, 55 in stock at 949.90",
        ),
        (
            "product.updated",
            UPDATED | {"cause": "release"},
            "🔄 Product updated",
            "Laptop: pieces came back, 55 in stock at 949.90",
        ),
        ("product.stock_low", LOW, "⚠️ Low stock", "Laptop: 9 left, threshold 10"),
        (
            "product.deleted",
            {"product_id": 1, "product": "Laptop"},
            "🗑️ Product deleted",
            "Laptop",
        ),
    ],
)
async def test_each_event_is_told_of_in_its_own_words(
    told: Told,
    notifications: Notifications,
    name: str,
    data: dict[str, Any],
    title: str,
    message: str,
) -> None:
    answer = await told.send("notify_inventory", name, data)

    assert (answer.status, answer.body) == (204, b"")
    assert notifications.told() == [(name, title, message)]


async def test_a_duplicate_changes_nothing_and_is_counted(
    told: Told, notifications: Notifications
) -> None:
    for _ in range(3):
        assert (await told.send("notify_inventory", id_="once")).status == 204

    assert len(notifications.told()) == 1
    counted = [m for m in told.measured if m[0] == "notification_duplicate_events"]
    assert counted == [("notification_duplicate_events", 1, {"type": "product.created"})] * 2


async def test_the_same_id_of_another_source_is_another_event(
    told: Told, notifications: Notifications
) -> None:
    await told.send("notify_inventory", id_="1")
    await told.send("notify_inventory", id_="1", source="/elsewhere")

    assert len(notifications.told()) == 2


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("product.renamed", LAPTOP),
        ("order.created", LAPTOP),
        ("product.created", b"{"),
        ("product.created", b""),
        ("product.created", b"\xff"),
        ("product.created", []),
        ("product.created", {}),
        ("product.created", LAPTOP | {"price": "cheap"}),
        ("product.created", LAPTOP | {"stock": 1.5}),
        ("product.created", LAPTOP | {"product": None}),
        ("product.created", LAPTOP | {"product": "NUL \x00"}),
        ("product.updated", UPDATED | {"cause": "magic"}),
    ],
)
async def test_what_can_never_be_told_is_refused_for_good(
    told: Told, notifications: Notifications, name: str, data: Any
) -> None:
    answer = await told.send("notify_inventory", name, data)

    assert (answer.status, answer.problem) == (400, "bad-request")
    assert notifications.told() == []
    assert notifications.value("SELECT count(*) FROM inbox") == 0


async def test_names_that_no_index_holds_are_refused_for_good(
    told: Told, notifications: Notifications
) -> None:
    answer = await told.send("notify_inventory", id_=WIDE, source=WIDE)

    assert (answer.status, answer.problem) == (400, "bad-request")
    assert notifications.told() == []


@pytest.mark.parametrize("moment", ["2026-01-02T03:04:05+23:59", "0001-01-01T00:00:00+14:00"])
async def test_a_time_that_the_database_does_not_know_keeps_no_event_out(
    told: Told, notifications: Notifications, moment: str
) -> None:
    answer = await told.send("notify_inventory", time=moment)

    assert answer.status == 204
    assert len(notifications.told()) == 1


async def test_members_that_a_later_version_adds_do_no_harm(
    told: Told, notifications: Notifications
) -> None:
    assert (await told.send("notify_inventory", data=LAPTOP | {"colour": "red"})).status == 204
    assert len(notifications.told()) == 1


async def test_the_notification_keeps_where_it_came_from(
    told: Told, notifications: Notifications
) -> None:
    await told.send(
        "notify_inventory",
        id_="7",
        subject="products/1",
        time="2026-01-02T03:04:05.000006Z",
        traceparent=f"00-{TRACE}-b7ad6b7169203331-00",
    )

    source, id_, subject, traceparent, moment = notifications.row(
        "SELECT source, event_id, subject, traceparent, event_time FROM notifications"
    )
    assert (source, id_, subject) == ("/shophub/inventory", "7", "products/1")
    assert moment == datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert TRACE in traceparent


@pytest.mark.parametrize("age", [0.5, -5.0])
async def test_the_time_from_commit_to_notification_is_measured(told: Told, age: float) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=age)
    began = time.monotonic()
    await told.send("notify_inventory", time=moment.isoformat())
    took = time.monotonic() - began

    measured = {name: (value, labels) for name, value, labels in told.measured}
    latency, labels = measured["notification_event_latency"]
    assert max(age, 0) <= latency <= max(age, 0) + took
    assert labels == {"type": "product.created"}
    duration, labels = measured["notification_message_processing_duration"]
    assert 0 < duration <= took
    assert labels == {"type": "product.created"}
