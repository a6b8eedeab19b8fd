"""The outbox as the relay sees it: what waits, in which order, and marking what is published."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.connection import Connection
from shop.database import Statement
from shop.model import inventory, orders
from shop.model.parts import rfc3339

# One relay of an area publishes; the lock is free once its session has ended.
_LEADER = 7_410_002


class Waiting(NamedTuple):
    """An event of the outbox that is not yet published; `time` is RFC 3339, `data` JSON text."""

    position: int
    id: str
    aggregate_type: str
    aggregate_id: str
    type: str
    time: str
    traceparent: str | None
    data: str

    @property
    def subject(self) -> str:
        """What the event tells of, such as `products/1`."""
        return f"{self.aggregate_type}/{self.aggregate_id}"


class Outbox:
    """The statements on one area's outbox."""

    def __init__(self, area: str) -> None:
        table = {"inventory": inventory.outbox, "orders": orders.outbox}[area]
        tally = orders.published_tally if area == "orders" else None
        self._any = Statement("any_waiting", _select_any(table))
        self._waiting = Statement("waiting", _select_waiting(table))
        self._mark = Statement("mark_published", _mark(table, tally))
        self._lead = Statement("lead", sa.select(sa.func.pg_try_advisory_lock(_LEADER)))

    def lead(self, connection: Connection) -> bool:
        """Whether this session is the area's leader, now or already."""
        row = connection.row(self._lead)
        return bool(row and row[0])

    def waiting(self, connection: Connection, most: int) -> list[Waiting]:
        """The first events that are not published, in the order of their positions.

        There is no cursor: ids commit out of order, and a cursor would pass over the late ones.
        """
        if not connection.finds(self._any):
            return []
        return [Waiting(*row) for row in connection.rows(self._waiting, most=most)]

    def mark(self, connection: Connection, positions: Sequence[int]) -> None:
        """Mark events as published and, where the area has one, count them in its tally.

        An event is marked, and counted, once: by whichever session comes first.
        """
        connection.row(self._mark, positions=list(positions))


def _select_any(table: sa.Table) -> sa.Select[tuple[int]]:
    return (
        sa.select(sa.literal_column("1"))
        .where(table.c.published_at.is_(None))
        .limit(sa.literal_column("1"))
    )


def _select_waiting(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(
            table.c.position,
            sa.cast(table.c.id, sa.Text),
            table.c.aggregatetype,
            table.c.aggregateid,
            table.c.type,
            rfc3339(table.c.created_at),
            table.c.traceparent,
            sa.cast(table.c.payload, sa.Text),
        )
        .where(table.c.published_at.is_(None))
        .order_by(table.c.position)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


def _mark(table: sa.Table, tally: sa.Table | None) -> sa.Executable:
    positions = sa.bindparam("positions", type_=pg.ARRAY(sa.BigInteger))
    update = (
        sa.update(table)
        .values(published_at=sa.func.clock_timestamp())
        .where(table.c.position == sa.any_(positions), table.c.published_at.is_(None))
    )
    if tally is None:
        return update
    marked = update.returning(table.c.type).cte("marked")
    counted = pg.insert(tally).from_select(
        ["type", "published"],
        sa.select(marked.c.type, sa.func.count()).group_by(marked.c.type).order_by(marked.c.type),
    )
    return counted.on_conflict_do_update(
        index_elements=[tally.c.type],
        set_={"published": tally.c.published + counted.excluded.published},
    )


def waves(events: Iterable[Waiting], most: int) -> list[list[Waiting]]:
    """The events in waves, each with at most one of an aggregate; those beyond `most` are left out.

    An aggregate's next event is sent once its last is acknowledged: whatever fails, and however
    the producer repeats it, none overtakes another.
    """
    result: list[list[Waiting]] = []
    sent: dict[str, int] = {}
    for event in events:
        number = sent.get(event.subject, 0)
        sent[event.subject] = number + 1
        if number >= most:
            continue
        if number == len(result):
            result.append([])
        result[number].append(event)
    return result
