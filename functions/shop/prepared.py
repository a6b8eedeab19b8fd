"""A psycopg connection that runs prepared statements without a cursor.

A cursor of psycopg's guesses types, counts executions and describes columns, for statements
that it sees for the first time. Ours are known: each is prepared once on a connection, its
types stand in its own casts, and PostgreSQL reads the parameters as text. What psycopg is built
of does the rest: libpq's calls, the waiting, the conversion of values.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

Row = tuple[Any, ...]


class PreparedConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection with statements that stay prepared for as long as it lives."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # psycopg's own prepared statements are dropped at a ROLLBACK, and ours with them.
        self.prepare_threshold = None
        self._names: dict[str, bytes] = {}
        self._named = itertools.count()
        self._converter = Transformer(self)

    async def run(self, sql: str, arguments: Sequence[Any]) -> list[Row]:
        """Run the statement with its `$1`… filled in; its rows, none where it returns none.

        Raises:
            psycopg.Error: as a cursor would raise it.
        """
        name = self._names.get(sql)
        if name is None:
            # Never one again: what was called off may have been prepared all the same.
            name = b"shop_%d" % next(self._named)
            self.pgconn.send_prepare(name, sql.encode())
            await self._result()
            self._names[sql] = name
        formats = [PyFormat.TEXT] * len(arguments)
        self.pgconn.send_query_prepared(
            name, self._converter.dump_sequence(arguments, formats) if arguments else None
        )
        result = await self._result()
        if result.status == ExecStatus.COMMAND_OK:
            return []
        self._converter.set_pgresult(result)
        return self._converter.load_rows(0, result.ntuples, tuple)

    async def _result(self) -> PGresult:
        result: PGresult
        (result,) = await self.wait(generators.execute(self.pgconn))
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise psycopg.errors.error_from_result(result)
        return result
