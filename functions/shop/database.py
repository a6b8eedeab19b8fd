"""One service's PostgreSQL: statements compiled once, run on pooled psycopg connections.

A statement is written with SQLAlchemy Core and compiled to `$1` placeholders when its module
is imported; executing it is psycopg alone. Reads and single statements run in autocommit: a
ROLLBACK at the end of a read, as a session issues it, would throw the connection's prepared
statements away.
"""

import asyncio
import logging
import select
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from shop.errors import DependencyDown
from shop.prepared import PreparedConnection, Row

Record = Callable[[float, Mapping[str, str]], None]
Execute = Callable[[PreparedConnection, "Statement", Mapping[str, Any]], Awaitable[list[Row]]]

_log = logging.getLogger(__name__)
_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_WAIT_FOR_CONNECTION = 2.0
# A pool that has lost its server tries again after 1, 2, 4, 8 … seconds, and notices late that it
# is back. Given up for as soon as nobody waits any more, each new caller begins with a try at once.
_TRY_CONNECTING = _WAIT_FOR_CONNECTION


class Statement:
    """A compiled statement and the name under which its duration is measured."""

    __slots__ = ("_defaults", "_order", "name", "sql")

    def __init__(self, name: str, clause: sa.Executable) -> None:
        compiled = clause.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        self.name = name
        self.sql: str = compiled.string
        self._order: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._defaults: dict[str, Any] = dict(compiled.params)

    def takes(self, name: str) -> bool:
        """Whether the statement has a parameter of that name."""
        return name in self._defaults

    def arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the placeholders; KeyError for one that is unknown."""
        if not values.keys() <= self._defaults.keys():
            raise KeyError(*(values.keys() - self._defaults.keys()))
        return tuple(values[n] if n in values else self._defaults[n] for n in self._order)


class Executor(Protocol):
    """What runs statements: the database itself, or a transaction of it."""

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        """The statement's first row, or None where it has none."""

    async def one(self, statement: Statement, **values: Any) -> Row:
        """The row of a statement that always has one."""

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """All rows of the statement."""


def _only(row: Row | None, statement: Statement) -> Row:
    if row is None:
        raise LookupError(f"{statement.name} has no row")
    return row


def _is_alive(connection: PreparedConnection) -> bool:
    """Whether the server has not ended an idle connection, without asking the server.

    An idle connection has nothing to read but the server's farewell. A look at its socket
    costs 2 µs where a round trip costs 60; should it be a mere notice, a new connection does no
    harm.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)


class Database:
    """A pool of connections to one service's database."""

    def __init__(
        self, url: str, *, function: str, record: Record, most_connections: int = 8
    ) -> None:
        self._record = record
        self._function = function
        self._labels: dict[str, Mapping[str, str]] = {}
        # Callers queue here, where waiting costs a future, and not in the pool, where it costs
        # a lock, a task and a timer: under load every request waits.
        self._free = asyncio.Semaphore(most_connections)
        self._pool: AsyncConnectionPool[PreparedConnection] = AsyncConnectionPool(
            url,
            connection_class=PreparedConnection,
            open=False,
            min_size=1,
            max_size=most_connections,
            timeout=_WAIT_FOR_CONNECTION,
            reconnect_timeout=_TRY_CONNECTING,
            max_idle=60.0,
            kwargs={
                "autocommit": True,
                "application_name": f"shop-{function}",
                "connect_timeout": 5,
                "options": "-c timezone=UTC -c statement_timeout=8000 -c lock_timeout=4000",
            },
        )

    async def open(self) -> None:
        """Start the pool; it connects in the background and keeps trying."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=2.0)

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        """Run one statement in autocommit; its first row, or None.

        Raises:
            DependencyDown: PostgreSQL does not answer, or every connection is busy for 2 s.
        """
        rows = await self._execute(statement, values)
        return rows[0] if rows else None

    async def one(self, statement: Statement, **values: Any) -> Row:
        """Run one statement that always has a row. Raises as `row` does."""
        return _only(await self.row(statement, **values), statement)

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """Run one statement in autocommit; all its rows. Raises as `row` does."""
        return await self._execute(statement, values)

    async def execute(self, statement: Statement, **values: Any) -> None:
        """Run one statement in autocommit. Raises as `row` does."""
        await self._execute(statement, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """A transaction: committed where its block ends, rolled back where it raises."""
        connection = await self._take()
        try:
            async with connection.transaction():
                yield Transaction(connection, self.measured)
        except psycopg.Error as error:
            if (problem := _problem(error)) is None:
                raise
            raise problem from error
        finally:
            await self._give_back(connection)

    async def _execute(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        connection = await self._take()
        try:
            return await self.measured(connection, statement, values)
        except psycopg.Error as error:
            if (problem := _problem(error)) is None:
                raise
            raise problem from error
        finally:
            await self._give_back(connection)

    async def _take(self) -> PreparedConnection:
        try:
            if self._free.locked():
                async with asyncio.timeout(_WAIT_FOR_CONNECTION):
                    await self._free.acquire()
            else:
                await self._free.acquire()
        except TimeoutError:
            raise DependencyDown("The database is busy.") from None
        try:
            return await self._connected()
        except BaseException as error:
            self._free.release()
            if isinstance(error, PoolTimeout | psycopg.Error):
                raise DependencyDown("The database is not reachable.") from error
            raise

    async def _connected(self) -> PreparedConnection:
        """A connection that the server has not ended.

        The pool has a check of its own, but pauses for a second or more after the second one that
        fails: a request would end before all that a restart has left behind are out of the way.
        """
        give_up = time.monotonic() + _WAIT_FOR_CONNECTION
        while True:
            connection = await self._pool.getconn(timeout=give_up - time.monotonic())
            if _is_alive(connection):
                return connection
            await connection.close()
            await self._pool.putconn(connection)  # It takes out what is closed, and makes another.

    async def _give_back(self, connection: PreparedConnection) -> None:
        try:
            await self._pool.putconn(connection)
        finally:
            self._free.release()

    async def measured(
        self, connection: PreparedConnection, statement: Statement, values: Mapping[str, Any]
    ) -> list[Row]:
        """Run the statement on the connection, and record its duration."""
        began = time.perf_counter()
        try:
            return await connection.run(statement.sql, statement.arguments(values))
        finally:
            labels = self._labels.get(statement.name)
            if labels is None:
                labels = {"function": self._function, "statement": statement.name}
                self._labels[statement.name] = labels
            self._record(time.perf_counter() - began, labels)


class Transaction:
    """An open transaction."""

    __slots__ = ("_connection", "_execute")

    def __init__(self, connection: PreparedConnection, execute: Execute) -> None:
        self._connection = connection
        self._execute = execute

    async def row(self, statement: Statement, **values: Any) -> Row | None:
        """The statement's first row, or None where it has none."""
        rows = await self._execute(self._connection, statement, values)
        return rows[0] if rows else None

    async def one(self, statement: Statement, **values: Any) -> Row:
        """The row of a statement that always has one."""
        return _only(await self.row(statement, **values), statement)

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """All rows of the statement."""
        return await self._execute(self._connection, statement, values)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that is rolled back alone where it raises."""
        async with self._connection.transaction():
            yield


def _problem(error: Exception) -> DependencyDown | None:
    """What the client is told of; nothing for other errors, a violated constraint above all."""
    match error:
        case psycopg.errors.QueryCanceled() | psycopg.errors.LockNotAvailable():
            return DependencyDown("The database took too long.")
        case psycopg.errors.SerializationFailure() | psycopg.errors.DeadlockDetected():
            return DependencyDown("The database was busy with the same rows.")
        case psycopg.errors.ProgramLimitExceeded():
            return None  # What is too large for an index is so however often it comes.
        case psycopg.OperationalError() | psycopg.InterfaceError():
            _log.warning("database lost: %s", str(error).strip().partition("\n")[0])
            return DependencyDown("The database is not reachable.")
        case _:
            return None
