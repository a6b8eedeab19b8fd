"""Deleting what has had its time, in small batches: a table's other users hardly notice."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.chores import Chore
from shop.connection import Connection
from shop.database import Statement

ROWS_AT_ONCE = 1_000
_MOST_BATCHES = 100
_EVERY_SECONDS = 60.0

_CUTOFF = sa.func.clock_timestamp() - sa.cast(sa.bindparam("keep"), pg.INTERVAL)


def prune(name: str, statement: Statement, keep: timedelta | str) -> Chore:
    """A chore that runs the deletion each minute until it finds no full batch any more.

    `keep` is a duration, also as PostgreSQL writes one.
    """

    def run(connection: Connection) -> None:
        for _ in range(_MOST_BATCHES):
            if connection.count(statement, keep=keep) < ROWS_AT_ONCE:
                break

    return Chore(name, _EVERY_SECONDS, run)


def by_age(name: str, table: sa.Table, moment: sa.Column[Any]) -> Statement:
    """Delete what is older by `moment`, which has an index."""
    key = list(table.primary_key)
    old = sa.select(*key).where(moment < _CUTOFF).order_by(moment).limit(ROWS_AT_ONCE)
    return Statement(name, sa.delete(table).where(sa.tuple_(*key).in_(old)))


def oldest_first(
    name: str, table: sa.Table, key: sa.Column[Any], moment: sa.Column[Any]
) -> Statement:
    """Delete the first rows by `key`, which ascends with time, as far as `moment` is old enough.

    The batch is taken before it is looked at: where nothing is old enough, that batch is all
    that the statement reads, and `moment` needs no index.
    """
    first = sa.select(key.label("key"), moment.label("moment")).order_by(key).limit(ROWS_AT_ONCE)
    batch = first.subquery("batch")
    old = sa.select(batch.c.key).where(batch.c.moment < _CUTOFF)
    return Statement(name, sa.delete(table).where(key.in_(old)))
