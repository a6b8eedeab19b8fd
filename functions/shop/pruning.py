"""Deleting what has had its time, in small batches: a table's other users hardly notice."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.chores import Chore
from shop.connection import Connection
from shop.database import Statement

ROWS_AT_ONCE = 1_000
_MOST_BATCHES = 100
_EVERY_SECONDS = 60.0


def cutoff() -> sa.ColumnElement[object]:
    """The moment before which rows are deleted; the statement has a parameter `keep`."""
    return sa.func.clock_timestamp() - sa.cast(sa.bindparam("keep"), pg.INTERVAL)


def prune(name: str, statement: Statement, keep: timedelta | str) -> Chore:
    """A chore that runs the deletion each minute until it finds no full batch any more.

    `keep` is a duration, also as PostgreSQL writes one.
    """

    def run(connection: Connection) -> None:
        for _ in range(_MOST_BATCHES):
            if connection.count(statement, keep=keep) < ROWS_AT_ONCE:
                break

    return Chore(name, _EVERY_SECONDS, run)


def oldest_first(table: sa.Table, key: sa.Column[int], moment: sa.Column[object]) -> sa.Delete:
    """Delete the first rows by `key`, as far as their `moment` is before the cutoff.

    The key ascends with time. The batch is taken before it is looked at: where nothing is old
    enough, that is all that the statement reads, and `moment` needs no index.
    """
    first = sa.select(key.label("key"), moment.label("moment")).order_by(key).limit(ROWS_AT_ONCE)
    batch = first.subquery("batch")
    return sa.delete(table).where(key.in_(sa.select(batch.c.key).where(batch.c.moment < cutoff())))
