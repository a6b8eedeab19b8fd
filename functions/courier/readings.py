"""What the notifications' database knows, read for the metrics; and its pruning."""

from datetime import timedelta

import sqlalchemy as sa

from shop.chores import Chore
from shop.connection import Connection
from shop.database import Statement
from shop.events import EVENTS
from shop.model.notifications import dead_letters, delivered_tally, inbox, notifications
from shop.pruning import by_age, oldest_first, prune
from shop.settings import Settings
from shop.shelf import Shelf
from shop.telemetry import Telemetry

# Longer than the topics keep an event, so that none of theirs is told of twice.
_INBOX_HOURS = 14 * 24
_NOTIFICATIONS_KEPT = timedelta(days=90)

_SENT = Statement("sent_by_type", sa.select(delivered_tally.c.type, delivered_tally.c.delivered))
_UNDELIVERED = Statement(
    "undelivered",
    sa.select(sa.func.count())
    .select_from(notifications)
    .where(notifications.c.delivered_at.is_(None)),
)
_LETTERS = Statement(
    "dead_letters",
    sa.select(
        sa.func.count().filter(dead_letters.c.replayed_at.is_(None)),
        sa.func.count(dead_letters.c.replayed_at),
    ),
)


def chores(telemetry: Telemetry, settings: Settings) -> list[Chore]:
    """What the courier reads and prunes beside delivering.

    `INBOX_RETENTION` says in hours how long an event is remembered (default 14 days).
    """
    shelf = Shelf(
        telemetry,
        "notification_notifications_sent",
        "notification_undelivered",
        "notification_dead_letters",
    )

    def read(connection: Connection) -> None:
        sent = {event.name: 0 for event in EVENTS}
        sent |= {row[0]: row[1] for row in connection.rows(_SENT)}
        shelf.put(
            "notification_notifications_sent",
            [(number, {"type": type_}) for type_, number in sent.items()],
        )
        (undelivered,) = connection.row(_UNDELIVERED) or (0,)
        shelf.value("notification_undelivered", undelivered)
        waiting, replayed = connection.row(_LETTERS) or (0, 0)
        shelf.put(
            "notification_dead_letters",
            [(waiting, {"state": "waiting"}), (replayed, {"state": "replayed"})],
        )

    hours = settings.integer("INBOX_RETENTION", _INBOX_HOURS, least=1, most=24 * 3650)
    return [
        Chore("readings", 5.0, read, forget=shelf.clear),
        prune("inbox", by_age("prune_inbox", inbox, inbox.c.received_at), timedelta(hours=hours)),
        prune(
            "notifications",
            oldest_first(
                "prune_notifications",
                notifications,
                notifications.c.id,
                notifications.c.created_at,
            ),
            _NOTIFICATIONS_KEPT,
        ),
    ]
