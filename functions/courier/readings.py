"""What the notifications' database knows, read for the metrics."""

import sqlalchemy as sa

from courier.pruning import pruning
from shop.chores import Chore
from shop.connection import Connection
from shop.database import Statement
from shop.events import EVENTS
from shop.model.notifications import dead_letters, delivered_tally, notifications
from shop.settings import Settings
from shop.shelf import Shelf
from shop.telemetry import Telemetry

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
    """What the courier reads and prunes beside delivering."""
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

    return [
        Chore("readings", 5.0, read, forget=shelf.clear),
        *pruning(telemetry, settings),
    ]
