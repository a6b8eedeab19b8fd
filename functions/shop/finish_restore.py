"""Let a database that was restored to a moment go on: `python -m shop.finish_restore AREA --to T`.

The world has not been restored with it. Kafka has been emptied, so what the outbox still has of
what it published goes out again under the same ids, and the inbox drops what was told of. Orders
and products that were made after that moment are gone, but their numbers are known outside, so
they are not given again. Sessions that have ended since are back, so all of them end.

It can be run again, and while the shop serves. The notifications' database comes first: its inbox
must remember what the others send.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.connection import Connection
from shop.database import Statement
from shop.model import identity, inventory, orders
from shop.model.notifications import dead_letters, inbox
from shop.settings import SettingError, Settings

AREAS = ("notifications", "inventory", "orders", "identity")
_ROWS_AT_ONCE = 1_000
# More numbers than the shop can have given away since the moment; then on to the next million,
# by which they are known.
_NUMBERS_A_SECOND = 1_000
_ROUND = 1_000_000
_STATEMENT_SECONDS = 600

_since = sa.bindparam("since", type_=pg.TIMESTAMP(timezone=True))
_to = sa.bindparam("to", type_=pg.TIMESTAMP(timezone=True))


def _republish(table: sa.Table, tally: sa.Table | None) -> Statement:
    """Let the events that were published within the window wait again, in a batch of the table.

    Where the area has a tally, they are taken out of it: their relay counts them again.
    """
    batch = (
        sa.select(table.c.position, table.c.published_at)
        .where(table.c.position > sa.bindparam("after", type_=sa.BigInteger))
        .order_by(table.c.position)
        .limit(sa.literal_column(str(_ROWS_AT_ONCE)))
        .cte("batch")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    chosen = sa.select(batch.c.position).where(batch.c.published_at.between(_since, _to))
    again = (
        sa.update(table)
        .values(published_at=None)
        .where(
            table.c.position == sa.any_(sa.func.array(chosen.scalar_subquery())),
            table.c.published_at.is_not(None),
        )
        .returning(table.c.type)
        .cte("again")
    )
    answer = sa.select(
        sa.select(sa.func.count()).select_from(again).scalar_subquery(),
        sa.func.max(batch.c.position),
    ).select_from(batch)
    if tally is not None:
        counted = (
            sa.select(again.c.type, sa.func.count().label("number"))
            .group_by(again.c.type)
            .subquery("counted")
        )
        answer = answer.add_cte(
            sa.update(tally)
            .values(published=tally.c.published - counted.c.number)
            .where(tally.c.type == counted.c.type)
            .cte("uncounted")
        )
    return Statement("republish", answer)


_REPUBLISH = {
    "inventory": _republish(inventory.outbox, None),
    "orders": _republish(orders.outbox, orders.published_tally),
}
# What was handled long ago would be forgotten before it comes again.
_REMEMBER = Statement(
    "remember",
    sa.update(inbox)
    .values(received_at=sa.func.clock_timestamp())
    .where(inbox.c.received_at >= _since, inbox.c.received_at <= _to),
)
# One that was sent again, and was on Kafka when that was emptied, is in no outbox any more.
_WAIT_AGAIN = Statement(
    "wait_again",
    sa.update(dead_letters)
    .values(replayed_at=None)
    .where(
        dead_letters.c.replayed_at.between(_since, _to),
        sa.not_(
            sa.exists().where(
                inbox.c.source == dead_letters.c.source,
                inbox.c.event_id == dead_letters.c.event_id,
            )
        ),
    ),
)
_SIGN_OUT = Statement(
    "sign_out",
    sa.update(identity.sessions)
    .values(revoked_at=sa.func.clock_timestamp())
    .where(identity.sessions.c.revoked_at.is_(None), identity.sessions.c.created_at <= _to),
)
_SKIP = Statement(
    "skip_numbers",
    sa.text(
        "SELECT count(setval(format('%I.%I', schemaname, sequencename)::regclass,"
        " ((coalesce(last_value, 0) + :given) / :round + 1) * :round))"
        " FROM pg_sequences WHERE schemaname = 'public'"
    ).bindparams(
        sa.bindparam("given", type_=sa.BigInteger), sa.bindparam("round", type_=sa.BigInteger)
    ),
)


def moment(text: str) -> datetime:
    """A moment as RFC 3339 writes it, with its zone; ValueError for anything else."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} names no time zone: end it with Z for UTC")
    return found.astimezone(UTC)


def finish(connection: Connection, area: str, *, to: datetime, since: datetime) -> list[str]:
    """Let an area's database go on that was restored `to` a moment; a line on what was done.

    Only what was published, handled or replayed from `since` on goes out, is remembered, or
    waits again.
    """
    window = {"since": since, "to": to}
    done = []
    match area:
        case "inventory" | "orders":
            done.append(f"{_send_again(connection, area, window)} events go out again")
        case "notifications":
            done.append(f"{connection.count(_REMEMBER, **window)} events are remembered anew")
            done.append(f"{connection.count(_WAIT_AGAIN, **window)} dead letters wait again")
        case "identity":
            return [f"identity: {connection.count(_SIGN_OUT, to=to)} sessions have ended"]
    elapsed = max(timedelta(0), datetime.now(UTC) - to)
    given = int(elapsed.total_seconds() * _NUMBERS_A_SECOND)
    connection.row(_SKIP, given=given, round=_ROUND)
    return [f"{area}: {'; '.join(done)}; numbers go on behind the next million"]


def _send_again(connection: Connection, area: str, window: dict[str, datetime]) -> int:
    total, after = 0, 0
    while True:
        number, last = connection.row(_REPUBLISH[area], after=after, **window) or (0, None)
        if last is None:
            return total
        total, after = total + int(number), last


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="finish_restore",
        description="Let a database that was restored to a moment go on.",
    )
    parser.add_argument("area", choices=AREAS)
    parser.add_argument("--to", type=moment, required=True, help="the moment, as 2026-11-27T20:15Z")
    parser.add_argument(
        "--since",
        type=moment,
        default=datetime.min.replace(tzinfo=UTC),
        help="only what was published from this moment on (default: all that the outbox has)",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit status."""
    given = _arguments(arguments)
    try:
        connection = Connection(
            Settings().text("DATABASE_URL"), "finish-restore", statement_seconds=_STATEMENT_SECONDS
        )
        print("\n".join(finish(connection, given.area, to=given.to, since=given.since)))
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    except psycopg.OperationalError as error:
        print(f"the database does not answer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
