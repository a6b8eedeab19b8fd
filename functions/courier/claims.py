"""Notifications that wait for delivery: taken under a lease, then settled.

A claim moves the row's next attempt behind its lease. A courier that dies leaves the row as it
is, and it is due again when the lease is over: at least once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.connection import Connection
from shop.database import Statement
from shop.model.notifications import delivered_tally, notifications

_SECOND = sa.text("interval '1 second'")
_now = sa.func.clock_timestamp()
# The index is entered at this moment: clock_timestamp() would let each poll read all that waits.
_due = sa.and_(
    notifications.c.delivered_at.is_(None),
    notifications.c.next_attempt_at <= sa.func.statement_timestamp(),
)
_ids = sa.bindparam("ids", type_=pg.ARRAY(sa.BigInteger))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notification to be delivered; `attempts` counts this one."""

    id: int
    type: str
    title: str
    message: str
    traceparent: str | None
    attempts: int
    delivered_to: Sequence[str]


def _claim() -> Statement:
    due = (
        sa.select(notifications.c.id)
        .where(_due)
        .order_by(notifications.c.next_attempt_at)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    shown = (notifications.c[name] for name in Claimed.__dataclass_fields__)
    return Statement(
        "claim_notifications",
        sa.update(notifications)
        .values(
            attempts=notifications.c.attempts + 1,
            next_attempt_at=_now + sa.bindparam("lease", type_=sa.Float) * _SECOND,
        )
        .where(notifications.c.id == due.c.id)
        .returning(*shown),
    )


def _deliver() -> Statement:
    """Mark, and count in the tally, in one statement: the tally is exact."""
    marked = (
        sa.update(notifications)
        .values(delivered_at=_now)
        .where(notifications.c.id == sa.any_(_ids), notifications.c.delivered_at.is_(None))
        .returning(notifications.c.type)
        .cte("marked")
    )
    counted = pg.insert(delivered_tally).from_select(
        ["type", "delivered"],
        sa.select(marked.c.type, sa.func.count()).group_by(marked.c.type).order_by(marked.c.type),
    )
    return Statement(
        "mark_delivered",
        counted.on_conflict_do_update(
            index_elements=[delivered_tally.c.type],
            set_={"delivered": delivered_tally.c.delivered + counted.excluded.delivered},
        ),
    )


_ANY_DUE = Statement(
    "any_due", sa.select(sa.literal_column("1")).where(_due).limit(sa.literal_column("1"))
)
_CLAIM = _claim()
_DELIVERED = _deliver()
_POSTPONE = Statement(
    "postpone_notification",
    sa.update(notifications)
    .values(
        next_attempt_at=_now + sa.bindparam("pause", type_=sa.Float) * _SECOND,
        delivered_to=sa.bindparam("channels", type_=pg.ARRAY(sa.Text)),
    )
    .where(notifications.c.id == sa.bindparam("notification", type_=sa.BigInteger)),
)
_RETURN = Statement(
    "return_notifications",
    sa.update(notifications)
    .values(attempts=notifications.c.attempts - 1, next_attempt_at=_now)
    .where(notifications.c.id == sa.any_(_ids)),
)


def claim(connection: Connection, most: int, lease: float) -> list[Claimed]:
    """Take what is due, the longest due first, for `lease` seconds."""
    if not connection.finds(_ANY_DUE):
        return []
    rows = [Claimed(*row) for row in connection.rows(_CLAIM, most=most, lease=lease)]
    return sorted(rows, key=lambda claimed: claimed.id)


def delivered(connection: Connection, ids: Sequence[int]) -> None:
    """Settle what every channel has."""
    connection.row(_DELIVERED, ids=list(ids))


def postpone(
    connection: Connection, claimed: Claimed, channels: Sequence[str], pause: float
) -> None:
    """Try again in `pause` seconds; `channels` have it already."""
    connection.row(_POSTPONE, notification=claimed.id, channels=list(channels), pause=pause)


def give_back(connection: Connection, ids: Sequence[int]) -> None:
    """Return what was claimed and not tried."""
    connection.row(_RETURN, ids=list(ids))
