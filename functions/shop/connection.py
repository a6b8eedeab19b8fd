"""A loop's own connection to PostgreSQL: one thread, one session, statements in autocommit."""

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ConnStatus, ExecStatus

from shop.database import Statement
from shop.prepared import Row

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult
    from psycopg.rows import TupleRow

# A server that has vanished without a word is noticed within some 10 s, on either side: a
# leader's advisory lock must not outlive its leader.
# Plans use one core: a reading must not take them all from the requests that it counts.
# A loop only marks what it has done. Should the server crash before a mark is on disk, the event
# is published again under its id, the notification delivered again: at least once, as ever.
_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "timezone": "UTC",
        "tcp_keepalives_idle": 5,
        "tcp_keepalives_interval": 2,
        "tcp_keepalives_count": 3,
        "max_parallel_workers_per_gather": 0,
        "synchronous_commit": "off",
    }.items()
)


class Connection:
    """A session with one service's database, which prepares each statement once.

    Every method raises psycopg.OperationalError where PostgreSQL does not answer.
    """

    def __init__(self, url: str, name: str, *, statement_seconds: int = 8) -> None:
        self._prepared: set[bytes] = set()
        self._connection: psycopg.Connection[TupleRow] = psycopg.connect(
            url,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,
            application_name=f"shop-{name}",
            connect_timeout=5,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=10_000,
            options=f"{_OPTIONS} -c statement_timeout={statement_seconds * 1000}",
        )

    def row(self, statement: Statement, **values: Any) -> Row | None:
        """The statement's first row, or None where it has none."""
        cursor = self._connection.execute(statement.sql, statement.arguments(values), prepare=True)
        return cursor.fetchone() if cursor.description else None

    def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """All rows of the statement."""
        cursor = self._connection.execute(statement.sql, statement.arguments(values), prepare=True)
        return cursor.fetchall() if cursor.description else []

    def count(self, statement: Statement, **values: Any) -> int:
        """How many rows the statement changed."""
        cursor = self._connection.execute(statement.sql, statement.arguments(values), prepare=True)
        return cursor.rowcount

    def finds(self, statement: Statement) -> bool:
        """Whether a statement without parameters has a row.

        It runs on libpq alone: of a poll that mostly finds nothing, psycopg's share is 4/5.
        """
        name = statement.name.encode()
        connection = self._connection.pgconn
        if name not in self._prepared:
            _checked(connection.prepare(name, statement.sql.encode()), connection)
            self._prepared.add(name)
        return _checked(connection.exec_prepared(name, None), connection).ntuples > 0

    def close(self) -> None:
        """End the session; what it locked is free."""
        self._connection.close()


def _checked(result: "PGresult", connection: "PGconn") -> "PGresult":
    if result.status == ExecStatus.FATAL_ERROR:
        if connection.status != ConnStatus.OK:
            raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
        raise psycopg.errors.error_from_result(result)
    return result
