"""Send the dead letters that wait once more: `python -m shop.replay_dead_letters`.

A replayed event keeps its id, so that those of its readers that have handled it drop it. It is
marked once Kafka has it; if it fails again, it waits again.
"""

import argparse
import base64
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from kafka.errors import KafkaError

from shop.broker import Producer, connect, message, send
from shop.connection import Connection
from shop.database import Statement
from shop.event_signatures import Vouch, operator
from shop.events import TOPICS
from shop.model.notifications import dead_letters
from shop.settings import SettingError, Settings

_AT_ONCE = 500
_WAIT_SECONDS = 15.0

_COLUMNS = (
    dead_letters.c.id,
    dead_letters.c.source,
    dead_letters.c.type,
    dead_letters.c.subject,
    dead_letters.c.destination,
    dead_letters.c.error_code,
    dead_letters.c.attributes,
    dead_letters.c.data,
    dead_letters.c.data_is_base64,
    dead_letters.c.received_at,
    dead_letters.c.verified,
)
_id = sa.bindparam("id", type_=sa.BigInteger)
_ONE = Statement("dead_letter", sa.select(*_COLUMNS).where(dead_letters.c.id == _id))
_behind = dead_letters.c.id > sa.bindparam("after", type_=sa.BigInteger)
_waiting = (
    sa.select(*_COLUMNS)
    .where(dead_letters.c.replayed_at.is_(None), _behind)
    .order_by(dead_letters.c.id)
    .limit(sa.literal_column(str(_AT_ONCE)))
)
_WAITING = Statement("waiting_letters", _waiting)
_OF_TYPE = Statement(
    "waiting_letters_of_type",
    _waiting.where(dead_letters.c.type == sa.bindparam("type", type_=sa.Text)),
)
_REPLAYED = Statement(
    "mark_replayed",
    sa.update(dead_letters)
    .values(replayed_at=sa.func.clock_timestamp())
    # It may have failed again, and come back, before it is marked here.
    .where(
        dead_letters.c.id == _id,
        dead_letters.c.received_at
        == sa.bindparam("received_at", type_=dead_letters.c.received_at.type),
    ),
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A stored dead letter."""

    id: int
    source: str
    type: str
    subject: str
    destination: str
    error_code: int | None
    attributes: Mapping[str, Any]
    data: str
    data_is_base64: bool
    received_at: datetime
    verified: bool | None

    def __str__(self) -> str:
        answered = f"answered {self.error_code}" if self.error_code else "did not answer"
        unsigned = ", not signed by its source" if self.verified is False else ""
        return f"{self.id}  {self.type}  {self.subject}  {self.destination} {answered}{unsigned}"

    def event(self) -> tuple[dict[str, str], bytes]:
        """Attributes and data as they were before it failed."""
        attributes = {
            name: str(value).encode("utf-8", "replace").decode()
            for name, value in self.attributes.items()
            if not name.startswith("knativeerror")
        }
        attributes.setdefault("datacontenttype", "application/json")
        data = base64.b64decode(self.data) if self.data_is_base64 else self.data.encode()
        return attributes, data


def letters(connection: Connection, *, ids: Sequence[int], type_: str | None) -> list[Letter]:
    """The letters with these ids or, where there are none, all that wait (of that type)."""
    if ids:
        return [Letter(*row) for each in ids for row in connection.rows(_ONE, id=each)]
    found: list[Letter] = []
    while True:
        values: dict[str, Any] = {"after": found[-1].id if found else 0}
        if type_ is not None:
            values["type"] = type_
        rows = connection.rows(_WAITING if type_ is None else _OF_TYPE, **values)
        found += [Letter(*row) for row in rows]
        if len(rows) < _AT_ONCE:
            return found


def replay(connection: Connection, producer: Producer, letter: Letter, vouch: Vouch | None) -> str:
    """Send the letter's event to the topic of its source, and mark it; returns what was done.

    One that its source has not signed is sent only if somebody vouches for it.

    Raises:
        KafkaError: the broker did not take it; it is not marked.
    """
    topic = TOPICS.get(letter.source)
    if topic is None:
        return f"{letter.id}  left: no topic belongs to {letter.source}"
    attributes, data = letter.event()
    if letter.verified is False:
        if vouch is None:
            return f"{letter.id}  left: {letter.source} has not signed it; see --unverified"
        vouch(attributes, data)
    send(producer, topic, message(attributes, data)).get(timeout=_WAIT_SECONDS)
    connection.row(_REPLAYED, id=letter.id, received_at=letter.received_at)
    return f"{letter.id}  {letter.type} is on {topic} again"


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="replay_dead_letters",
        description="Send the dead letters that wait once more.",
    )
    parser.add_argument("--list", action="store_true", help="print them, and send nothing")
    parser.add_argument("--id", type=int, action="append", default=[], help="this one, even again")
    parser.add_argument(
        "--unverified",
        action="store_true",
        help="those too that their source has not signed, signed by the operator",
    )
    parser.add_argument("--type", help="those that wait of this CloudEvents type")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit status."""
    given = _arguments(arguments)
    settings = Settings()
    try:
        connection = Connection(settings.text("DATABASE_URL"), "replay-dead-letters")
        found = letters(connection, ids=given.id, type_=given.type)
        if not found:
            print("There is no such dead letter.")
        elif given.list:
            print("\n".join(str(letter) for letter in found))
        else:
            producer = connect(settings.text("KAFKA_BOOTSTRAP_SERVERS"), "replay-dead-letters")
            vouch = operator(settings) if given.unverified else None
            for letter in found:
                print(replay(connection, producer, letter, vouch))
            producer.close(timeout=1.0)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    except psycopg.OperationalError as error:
        print(f"the database does not answer: {error}", file=sys.stderr)
        return 1
    except KafkaError as error:
        print(f"Kafka did not take it: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
