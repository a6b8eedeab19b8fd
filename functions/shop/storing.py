"""Notifications stored with their inbox rows, several events in one statement where they crowd.

Events of different partitions come at a time. Those that come while a statement is on its way go
together with the next one: a commit costs PostgreSQL the same for one and for six.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Database, Statement
from shop.errors import DependencyDown
from shop.model.notifications import inbox, notifications

# An event's members, but for `place`, its number in the statement.
_KEY = ("consumer", "source", "event_id")
_TOLD = ("type", "title", "message", "subject", "traceparent", "event_time")
_MOST = 100

Told = Mapping[str, str | None]


def _store() -> Statement:
    """Inbox and notification in one statement: an event is told of, or known, never neither.

    It answers the places of the events that were not known. Keys are inserted in one order, so
    that two statements with the same events cannot wait for each other.
    """
    columns = [
        sa.column("place", sa.Integer),
        *(sa.column(name, inbox.c[name].type) for name in _KEY),
        *(sa.column(name, notifications.c[name].type) for name in _TOLD),
    ]
    event = (
        sa.select(
            sa.func.json_to_recordset(sa.cast(sa.bindparam("events", type_=sa.Text), pg.JSON))
            .table_valued(*columns)
            .render_derived(name="given", with_types=True)
        )
        .cte("event")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    keys = [event.c[name] for name in _KEY]
    new = (
        pg.insert(inbox)
        .from_select(_KEY, sa.select(*keys).order_by(*keys))
        .on_conflict_do_nothing()
        .returning(*(inbox.c[name] for name in _KEY))
        .cte("new")
    )
    known_now = sa.and_(*(event.c[name] == new.c[name] for name in _KEY))
    stored = sa.insert(notifications).from_select(
        ["source", "event_id", *_TOLD],
        sa.select(event.c.source, event.c.event_id, *(event.c[name] for name in _TOLD))
        .join_from(event, new, known_now)
        .order_by(event.c.place),
    )
    return Statement(
        "record_notification",
        sa.select(event.c.place).join_from(event, new, known_now).add_cte(stored.cte("stored")),
    )


STORE = _store()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An event that is to be stored; its context is that of who waits for it."""

    told: Told
    fresh: asyncio.Future[bool]
    context: Context

    @property
    def key(self) -> tuple[str | None, ...]:
        """What makes it the same event as another."""
        return tuple(self.told[name] for name in _KEY)


class Storing:
    """Stores events into one database, with one statement at a time."""

    def __init__(self, database: Database, statement: Statement) -> None:
        self._database = database
        self._statement = statement
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def store(self, told: Told) -> bool:
        """Store the event's notification; False where it was stored before.

        `told` has the members of `_KEY` and `_TOLD`, as texts that can be stored.

        Raises:
            DependencyDown: PostgreSQL does not answer.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(told, future, copy_context()))
        if self._task is None:
            self._begin()
        return await future

    def _begin(self) -> None:
        """Store what waits, in the trace of the first of them."""
        batch = self._next()
        self._task = asyncio.create_task(self._turn(batch), context=batch[0].context)

    async def _turn(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._settle(batch)
        finally:
            self._task = None
            if self._waiting:
                self._begin()

    def _next(self) -> list[_Waiting]:
        """The first that wait, an event once: its copy is known when its turn comes."""
        batch: dict[tuple[str | None, ...], _Waiting] = {}
        later = []
        for each in self._waiting:
            if len(batch) == _MOST or each.key in batch:
                later.append(each)
            else:
                batch[each.key] = each
        self._waiting = later
        return list(batch.values())

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        try:
            fresh = await self._store([each.told for each in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            if len(batch) > 1 and not isinstance(error, DependencyDown):
                # One that cannot be stored must not take the others with it.
                for each in batch:
                    await self._settle([each])
                return
            for each in batch:
                if not each.fresh.done():
                    each.fresh.set_exception(error)
        else:
            for place, each in enumerate(batch):
                if not each.fresh.done():
                    each.fresh.set_result(place in fresh)

    async def _store(self, batch: Sequence[Told]) -> set[int]:
        """The places of those that were not known."""
        events = json.dumps([{"place": place, **told} for place, told in enumerate(batch)])
        return {row[0] for row in await self._database.rows(self._statement, events=events)}
