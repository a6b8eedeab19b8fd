"""Publish events of an area once more: `python -m shop.republish orders 2026-11-27T20:00:00Z`.

After a restore the topics begin empty, or hold what the databases do not know. What was published
since the moment goes back among what waits, and the relay publishes it under its old ids, in its
order: whoever has handled an event drops it by its id.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.connection import Connection
from shop.database import Statement
from shop.model import inventory, orders
from shop.settings import SettingError, Settings

_OUTBOXES = {"inventory": inventory.outbox, "orders": orders.outbox}
# A week of events is read and written.
_SECONDS = 600


def republish(connection: Connection, area: str, since: datetime) -> int:
    """Let the relay publish again what it published at that moment or later; how many events.

    What it publishes again it counts again: the tally of the orders is set back.
    """
    (number,) = connection.row(_STATEMENTS[area], since=since.isoformat()) or (0,)
    return int(number)


def _put_back(area: str) -> sa.Executable:
    outbox = _OUTBOXES[area]
    since = sa.bindparam("since", type_=pg.TIMESTAMP(timezone=True))
    back = (
        sa.update(outbox)
        .values(published_at=sa.null())
        .where(outbox.c.published_at >= since)
        .returning(outbox.c.type)
        .cte("back")
    )
    number = sa.select(sa.func.count()).select_from(back)
    if area != "orders":
        return number
    tally = orders.published_tally
    counted = sa.select(back.c.type, sa.func.count().label("number")).group_by(back.c.type)
    events = counted.subquery("counted")
    return number.add_cte(
        sa.update(tally)
        .values(published=tally.c.published - events.c.number)
        .where(tally.c.type == events.c.type)
        .cte("set_back")
    )


_STATEMENTS = {area: Statement("republish", _put_back(area)) for area in _OUTBOXES}


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="republish", description="Publish events of an area once more, under their ids."
    )
    parser.add_argument("area", choices=sorted(_OUTBOXES), help="whose events")
    parser.add_argument("since", type=moment, help="published at or after this, as RFC 3339")
    return parser.parse_args(arguments)


def moment(text: str) -> datetime:
    """An RFC 3339 time; ValueError for one without its offset from UTC, or none at all."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} does not say its offset from UTC; Z means none")
    return found


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit status."""
    given = _arguments(arguments)
    try:
        url = Settings().text("DATABASE_URL")
        connection = Connection(url, "republish", statement_seconds=_SECONDS)
        number = republish(connection, given.area, given.since)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    except psycopg.OperationalError as error:
        print(f"the database does not answer: {error}", file=sys.stderr)
        return 1
    print(f"{number} events of {given.area} will be published again.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
