from functools import partial

import pytest

from courier import readings
from shop.chores import Chore
from shop.settings import Settings
from shop.telemetry import Telemetry
from tests.support.notifications import Notifications
from tests.support.readings import Observed


def _chores(settings: Settings, telemetry: Telemetry) -> list[Chore]:
    return readings.chores(telemetry, settings)


def observed(notifications: Notifications, **settings: str) -> Observed:
    return Observed(partial(_chores, Settings(settings)), "notifications", notifications.url)


def test_what_was_sent_what_waits_and_what_died_is_read(notifications: Notifications) -> None:
    notifications.tell(3)
    notifications.run("UPDATE notifications SET delivered_at = now() WHERE id = 1")
    notifications.run("INSERT INTO delivered_tally VALUES ('order.created', 40)")
    for number in (1, 2, 3):
        notifications.run(
            "INSERT INTO dead_letters (source, event_id, type, subject, destination, attributes,"
            " data, replayed_at) VALUES ('s', %s, 't', '', '', '{}', '', %s)",
            str(number), "2026-01-01" if number == 1 else None,
        )  # fmt: skip
    shown = observed(notifications)

    shown.run()

    sent = shown.values("notification_notifications_sent", "type")
    assert (sent["order.created"], sent["product.created"], len(sent)) == (40, 0, 7)
    assert shown.value("notification_undelivered") == 2
    assert shown.values("notification_dead_letters", "state") == {"waiting": 2, "replayed": 1}


def test_what_is_over_is_pruned_and_what_waits_is_not(notifications: Notifications) -> None:
    notifications.tell(4)
    notifications.run(
        "UPDATE notifications SET created_at = now() - interval '91 days',"
        " delivered_at = CASE WHEN id > 1 THEN now() - interval '91 days' END WHERE id <= 2"
    )
    notifications.run("UPDATE notifications SET delivered_at = now() WHERE id = 3")
    for key, age in (("old", "91 days"), ("young", "89 days"), ("waits", None)):
        notifications.run(
            "INSERT INTO dead_letters (source, event_id, type, subject, destination, attributes,"
            " data, received_at, replayed_at) VALUES ('s', %s, 't', '', '', '{}', '',"
            " now() - interval '100 days', now() - %s::interval)",
            key, age,
        )  # fmt: skip
    for age in ("15 days", "13 days"):
        notifications.run(
            "INSERT INTO inbox (consumer, source, event_id, received_at)"
            " VALUES ('notify_order', 's', %s, now() - %s::interval)",
            age, age,
        )  # fmt: skip

    shown = observed(notifications)
    shown.run()

    assert notifications.rows("SELECT id FROM notifications ORDER BY id") == [(1,), (3,), (4,)]
    assert notifications.rows("SELECT event_id FROM inbox") == [("13 days",)]
    assert notifications.rows("SELECT event_id FROM dead_letters ORDER BY id") == [
        ("young",),
        ("waits",),
    ]
    one_each = {"inbox": 1, "notifications": 1, "dead_letters": 1}
    assert shown.counted("notification_pruned_rows", "table") == one_each


@pytest.mark.parametrize(
    ("setting", "table"),
    [
        ("INBOX_RETENTION", "inbox"),
        ("NOTIFICATION_RETENTION", "notifications"),
        ("DEAD_LETTER_RETENTION", "dead_letters"),
    ],
)
def test_how_long_rows_are_kept_can_be_set(
    setting: str, table: str, notifications: Notifications
) -> None:
    notifications.tell(1)
    notifications.run(
        "UPDATE notifications SET created_at = now() - interval '2 hours',"
        " delivered_at = now() - interval '2 hours'"
    )
    notifications.run(
        "INSERT INTO inbox (consumer, source, event_id, received_at)"
        " VALUES ('notify_order', 's', '1', now() - interval '2 hours')"
    )
    notifications.run(
        "INSERT INTO dead_letters (source, event_id, type, subject, destination, attributes, data,"
        " replayed_at) VALUES ('s', '1', 't', '', '', '{}', '', now() - interval '2 hours')"
    )
    shown = observed(notifications, **{setting: "1"})

    shown.run()

    pruned = {name: int(name == table) for name in ("inbox", "notifications", "dead_letters")}
    assert shown.counted("notification_pruned_rows", "table") == pruned
