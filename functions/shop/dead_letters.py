"""Dead letters on their way into the database: whatever came, in a form that can be kept."""

import base64
import hashlib
import json
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Database, Statement
from shop.events import Received
from shop.model.notifications import dead_letters

# Of source, id and destination in bytes: an index entry holds all three.
_LONGEST_KEY = 500
_LONGEST_ERROR = 4_000  # Characters, of up to four bytes.
_MOST_CODE = 2**31 - 1


def _store() -> Statement:
    given = (
        "source", "event_id", "type", "subject", "destination", "error_code", "error",
        "attributes", "data", "data_is_base64", "verified",
    )  # fmt: skip
    values: dict[str, sa.ColumnElement[Any]] = {
        name: sa.bindparam(name, type_=dead_letters.c[name].type) for name in given
    }
    values["attributes"] = sa.cast(sa.bindparam("attributes", type_=sa.Text), pg.JSON)
    insert = pg.insert(dead_letters).values(values)
    renewed = ("error_code", "error", "attributes", "data", "data_is_base64", "verified")
    return Statement(
        "store_dead_letter",
        insert.on_conflict_do_update(
            index_elements=["source", "event_id", "destination"],
            # It came back: what was replayed waits again.
            set_={name: insert.excluded[name] for name in renewed}
            | {"received_at": sa.func.clock_timestamp(), "replayed_at": None},
            # A forged event takes the place of none that its source has signed.
            where=sa.or_(
                dead_letters.c.verified.is_not(sa.true()), insert.excluded.verified.is_(sa.true())
            ),
        ),
    )


_STORE = _store()


async def store(received: Received, database: Database, *, verified: bool | None) -> str:
    """Store the dead letter; returns the destination that did not take it.

    `verified` says whether its source has signed it, and is None where nobody looks.

    Raises:
        DependencyDown: PostgreSQL does not answer.
    """
    attributes = received.attributes
    destination = _kept(attributes.get("knativeerrordest"), _LONGEST_KEY)
    data, is_base64 = _data(received.body)
    await database.execute(
        _STORE,
        source=_kept(received.source, _LONGEST_KEY),
        event_id=_kept(received.id, _LONGEST_KEY),
        type=_kept(received.type, _LONGEST_KEY),
        subject=_kept(received.subject, _LONGEST_KEY),
        destination=destination,
        error_code=_code(attributes.get("knativeerrorcode")),
        error=_error(attributes.get("knativeerrordata")),
        attributes=json.dumps(attributes, default=str),
        data=data,
        data_is_base64=is_base64,
        verified=verified,
    )
    return destination


def _kept(value: object, most: int) -> str:
    """A text that PostgreSQL can store, of `most` bytes; a longer one ends in its digest."""
    data = str(value or "").replace("\x00", "\ufffd").encode("utf-8", "replace")
    if len(data) <= most:
        return data.decode()
    digest = hashlib.sha256(data).hexdigest()[:32]
    return f"{data[: most - 33].decode(errors='ignore')}~{digest}"


def _code(value: object) -> int | None:
    text = str(value or "")
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return min(int(text), _MOST_CODE)


def _error(value: object) -> str | None:
    """What the destination answered; some of Knative's dispatchers send it in base64."""
    if value is None:
        return None
    text = str(value)
    with suppress(ValueError):
        text = base64.b64decode(text, validate=True).decode()
    return _kept(text[:_LONGEST_ERROR], 4 * _LONGEST_ERROR)


def _data(body: bytes) -> tuple[str, bool]:
    """The data as text, and whether that is base64 since it is none."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True
    if "\x00" in text:
        return base64.b64encode(body).decode(), True
    return text, False
