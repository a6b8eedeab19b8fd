"""Tables that more than one database has, and SQL that more than one statement uses."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from shop.events import Event

KEYS_LIVE = "24 hours"


def outbox_table(metadata: sa.MetaData) -> sa.Table:
    """The transactional outbox; the columns are those that Debezium's outbox router reads.

    `position` is the order of publication within an aggregate: a row is inserted under its
    aggregate's row lock, so positions of one aggregate ascend in the order of its changes.
    """
    return sa.Table(
        "outbox",
        metadata,
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("aggregatetype", sa.Text, nullable=False),
        sa.Column("aggregateid", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payload", pg.JSON, nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False,
                  server_default=sa.text("clock_timestamp()")),
        sa.Column("published_at", pg.TIMESTAMP(timezone=True)),
    )  # fmt: skip


def keys_table(metadata: sa.MetaData, *further: sa.Column[Any]) -> sa.Table:
    """Idempotency keys with the first answer to each; kept for 24 hours."""
    return sa.Table(
        "idempotency_keys",
        metadata,
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("route", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("headers", pg.JSON),
        sa.Column("body", sa.Text),
        sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False,
                  server_default=sa.text("clock_timestamp()")),
        *further,
    )  # fmt: skip


def rfc3339(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """A timestamp as RFC 3339 text in UTC, with microseconds and Z."""
    return sa.func.to_char(
        sa.func.timezone(sa.literal_column("'UTC'"), moment),
        sa.literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""),
        type_=sa.Text,
    )


class _Object(FunctionElement[Any]):
    """Members, each an SQL expression."""

    type = pg.JSON()
    inherit_cache = False  # Statements are compiled once, when their module is imported.

    def __init__(self, members: dict[str, sa.ColumnElement[Any]]) -> None:
        self.names = tuple(members)
        super().__init__(*members.values())


def json_object(**members: Any) -> sa.ColumnElement[Any]:
    """A JSON object of SQL expressions, built by PostgreSQL.

    Written as a row: that costs it half of what `json_build_object` does, and puts no blanks
    between the members.
    """
    return _Object(members)


@compiles(_Object)
def _json_object(element: _Object, compiler: SQLCompiler, **options: Any) -> str:
    row = ", ".join(
        f"{compiler.process(value, **options)} AS {compiler.preparer.quote(name)}"
        for name, value in zip(element.names, element.clauses, strict=True)
    )
    return f"(SELECT row_to_json(member) FROM (SELECT {row}) AS member)"  # noqa: S608 - SQLAlchemy's


def announce(
    outbox: sa.Table,
    event: type[Event],
    rows: sa.FromClause,
    *,
    aggregate_id: sa.ColumnElement[Any],
    when: sa.ColumnElement[bool] | None = None,
    **data: Any,
) -> sa.CTE:
    """An INSERT of the event, for each of `rows` for which `when` holds, as a part of a WITH.

    `rows` is the RETURNING of the change that the event tells of. Members of the event that
    `data` does not name are columns of `rows`. The statement has a parameter `traceparent`.
    """
    if unknown := data.keys() - set(event.members()):
        raise TypeError(f"{event.__name__} has no {', '.join(sorted(unknown))}")
    payload = json_object(
        **{name: data[name] if name in data else rows.c[name] for name in event.members()}
    )
    selected = sa.select(
        sa.literal_column(f"'{event.aggregate}'"),
        sa.cast(aggregate_id, sa.Text),
        sa.literal_column(f"'{event.type()}'"),
        payload,
        sa.bindparam("traceparent", None, type_=sa.Text),
    ).select_from(rows)
    if when is not None:
        selected = selected.where(when)
    return (
        sa.insert(outbox)
        .from_select(
            ["aggregatetype", "aggregateid", "type", "payload", "traceparent"],
            selected,
        )
        .cte(event.name.replace(".", "_"))
    )
