from functools import partial

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


def test_the_inbox_and_old_notifications_are_pruned(notifications: Notifications) -> None:
    notifications.tell(3)
    notifications.run(
        "UPDATE notifications SET created_at = now() - interval '91 days' WHERE id = 1"
    )
    for age in ("15 days", "13 days"):
        notifications.run(
            "INSERT INTO inbox (consumer, source, event_id, received_at)"
            " VALUES ('notify_order', 's', %s, now() - %s::interval)",
            age, age,
        )  # fmt: skip

    observed(notifications).run()

    assert notifications.rows("SELECT id FROM notifications ORDER BY id") == [(2,), (3,)]
    assert notifications.rows("SELECT event_id FROM inbox") == [("13 days",)]


def test_how_long_the_inbox_remembers_can_be_set(notifications: Notifications) -> None:
    notifications.run(
        "INSERT INTO inbox (consumer, source, event_id, received_at)"
        " VALUES ('notify_order', 's', '1', now() - interval '2 hours')"
    )

    observed(notifications, INBOX_RETENTION="1").run("inbox")

    assert notifications.rows("SELECT event_id FROM inbox") == []
