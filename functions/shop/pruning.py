"""Deleting what has had its time, in small batches: a table's other users hardly notice.

A batch is a statement and a transaction of its own, and finds its rows by an index. Whoever needs
a row that a batch is about to delete waits for milliseconds; a batch waits for nobody.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.chores import Chore
from shop.connection import Connection
from shop.database import Statement
from shop.shelf import Shelf
from shop.telemetry import Telemetry

ROWS_AT_ONCE = 1_000
MOST_HOURS = 24 * 3650
_MOST_BATCHES = 100
_EVERY_SECONDS = 60.0

# Not clock_timestamp(), which differs from row to row: no index can be entered by it.
_CUTOFF = sa.func.statement_timestamp() - sa.cast(sa.bindparam("keep"), pg.INTERVAL)
_FULL = sa.func.count() == sa.literal_column(str(ROWS_AT_ONCE))


class Pruning:
    """Makes an area's chores that delete, and shows what they do."""

    def __init__(self, telemetry: Telemetry, prefix: str) -> None:
        """`prefix` is that of the area's metrics."""
        self._count = telemetry.counter(f"{prefix}_pruned_rows")
        self._gauge = f"{prefix}_pruning_overdue"
        self._shelf = Shelf(telemetry, self._gauge)
        self._overdue: dict[str, float] = {}

    def chore(self, table: sa.Table, statement: Statement, keep: timedelta | str) -> Chore:
        """Run the deletion each minute, batch after batch, until nothing is left for it.

        `keep` is a duration, also as PostgreSQL writes one. A run has a bound, so that other
        chores get their turn; how far it then lies behind is shown.
        """
        labels = {"table": table.name}
        self._count(0, labels)

        def run(connection: Connection) -> None:
            last = 0
            for _ in range(_MOST_BATCHES):
                given = {"keep": keep} | ({"after": last} if statement.takes("after") else {})
                row = connection.row(statement, **given)
                deleted, last, more, overdue = row or (0, 0, False, 0)
                self._count(deleted, labels)
                if not more:
                    overdue = 0
                    break
            self._show(table.name, max(0.0, float(overdue or 0)))

        return Chore(f"prune {table.name}", _EVERY_SECONDS, run, forget=self._forget)

    def _show(self, table: str, overdue: float) -> None:
        self._overdue[table] = overdue
        self._shelf.put(
            self._gauge, [(value, {"table": name}) for name, value in self._overdue.items()]
        )

    def _forget(self) -> None:
        self._overdue.clear()
        self._shelf.clear()


def by_age(table: sa.Table, moment: sa.Column[Any]) -> Statement:
    """Delete what is older by `moment`, which has an index.

    What somebody works with at the time is left to the next run.
    """
    place: sa.ColumnClause[Any] = sa.literal_column(f"{table.name}.ctid")
    old = (
        sa.select(place)
        .where(moment < _CUTOFF)
        .order_by(moment)
        .limit(ROWS_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    # An array, and not a join: its rows are looked up, whatever the planner thinks of the table.
    # They are locked, so that they stay in their place.
    found = sa.func.array(old.scalar_subquery())
    gone = sa.delete(table).where(place == sa.any_(found)).returning(moment).cte("gone")
    return Statement(
        f"prune_{table.name}",
        sa.select(
            sa.func.count(),
            sa.literal_column("0"),
            _FULL,
            sa.extract("epoch", _CUTOFF - sa.func.max(gone.c[moment.name])),
        ).select_from(gone),
    )


def in_order(
    table: sa.Table, key: sa.Column[Any], born: sa.Column[Any], done: sa.Column[Any]
) -> Statement:
    """Delete what was `done` long enough ago, walking the table by `key` from `after` on.

    `key` ascends with `born`, so that the walk ends where rows are too young, and neither moment
    needs an index. What is not done stays, however old it is, and is walked past.
    """
    batch = (
        sa.select(key.label("key"), born.label("born"), done.label("done"))
        .where(key > sa.bindparam("after", 0, type_=key.type))
        .order_by(key)
        .limit(ROWS_AT_ONCE)
        .cte("batch")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    old = sa.select(batch.c.key).where(batch.c.done < _CUTOFF)
    found = sa.func.array(old.scalar_subquery())
    gone = sa.delete(table).where(key == sa.any_(found)).returning(key).cte("gone")
    return Statement(
        f"prune_{table.name}",
        sa.select(
            sa.select(sa.func.count()).select_from(gone).scalar_subquery(),
            sa.func.max(batch.c.key),
            sa.and_(_FULL, sa.func.max(batch.c.born) < _CUTOFF),
            sa.extract("epoch", _CUTOFF - sa.func.max(batch.c.born)),
        ).select_from(batch),
    )
