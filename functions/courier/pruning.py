"""Pruning of what the notifications' database holds for a time."""

from datetime import timedelta

from shop.chores import Chore
from shop.model.notifications import dead_letters, inbox, notifications
from shop.pruning import MOST_HOURS, Pruning, by_age, in_order
from shop.settings import Settings
from shop.telemetry import Telemetry

# Longer than the topics keep an event, so that none of theirs is told of twice.
INBOX_HOURS = 14 * 24
NOTIFICATION_HOURS = 90 * 24
DEAD_LETTER_HOURS = 90 * 24


def pruning(telemetry: Telemetry, settings: Settings) -> list[Chore]:
    """Chores that delete handled events, delivered notifications and replayed dead letters.

    `INBOX_RETENTION`, `NOTIFICATION_RETENTION` and `DEAD_LETTER_RETENTION` say in hours how long
    each is kept. What is not delivered, and what waits to be replayed, stays until it is.
    """
    remembered = settings.integer("INBOX_RETENTION", INBOX_HOURS, least=1, most=MOST_HOURS)
    told = settings.integer("NOTIFICATION_RETENTION", NOTIFICATION_HOURS, least=1, most=MOST_HOURS)
    replayed = settings.integer(
        "DEAD_LETTER_RETENTION", DEAD_LETTER_HOURS, least=1, most=MOST_HOURS
    )
    prune = Pruning(telemetry, "notification")
    delivered = in_order(
        notifications, notifications.c.id, notifications.c.created_at, notifications.c.delivered_at
    )
    return [
        prune.chore(inbox, by_age(inbox, inbox.c.received_at), timedelta(hours=remembered)),
        prune.chore(notifications, delivered, timedelta(hours=told)),
        prune.chore(
            dead_letters,
            by_age(dead_letters, dead_letters.c.replayed_at),
            timedelta(hours=replayed),
        ),
    ]
