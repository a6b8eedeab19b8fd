"""Accounts and sessions in the database: each step is one statement, and decides by itself.

Who tries a password is counted before it is looked at, so that a thousand guesses at once are a
thousand. Whether a refresh token may be used is decided under its session's lock.
"""

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql import insert

from shop.database import Statement
from shop.model.identity import (
    account_json,
    accounts,
    login_attempts,
    registered_json,
    sessions,
)

Verdict = Literal["rotated", "repeated", "reused", "ended"]

# Answers that were lost one after another, and tabs that ask at the same moment.
_MOST_LIVE = 8
_PRUNED_AT_ONCE = 20


def _text(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Text)


def _bytes(name: str) -> sa.ColumnElement[Any]:
    return sa.cast(sa.bindparam(name, type_=pg.BYTEA), pg.BYTEA)


def _times(name: str, unit: str) -> sa.ColumnElement[Any]:
    """So many of the unit, as a duration."""
    return sa.bindparam(name, type_=sa.Float) * sa.literal_column(f"interval '1 {unit}'")


_NOW = sa.func.clock_timestamp(type_=pg.TIMESTAMP(timezone=True))
_LOWER = sa.func.lower(_text("email"))
_EMAIL_HASH = sa.func.sha256(
    sa.func.convert_to(_LOWER, sa.literal_column("'UTF8'")), type_=pg.BYTEA
)
_BY_EMAIL = sa.func.lower(accounts.c.email) == _LOWER


def _seconds_left(row: sa.FromClause) -> sa.ColumnElement[Any]:
    return sa.cast(sa.func.extract("epoch", row.c.expires_at - _NOW), sa.Float)


def _register() -> sa.Insert:
    """No row where the address has an account."""
    return (
        insert(accounts)
        .values(email=_text("email"), name=_text("name"), password_hash=_text("password_hash"))
        .on_conflict_do_nothing(index_elements=[sa.func.lower(accounts.c.email)])
        .returning(registered_json(accounts))
    )


def _take_attempt() -> sa.Select[Any]:
    """Take one of the attempts that an address has; whose it is, where it is anybody's.

    It has `most` at once, and each is given back after `seconds`: the moment at which all are
    free moves on by that time. An address without an account has as many.
    """
    gap = _times("seconds", "second")
    until = gap * (sa.bindparam("most", type_=sa.Integer) - 1)
    taking = insert(login_attempts).values(email_hash=_EMAIL_HASH, free_at=_NOW + gap)
    taken = (
        taking.on_conflict_do_update(
            index_elements=[login_attempts.c.email_hash],
            set_={"free_at": sa.func.greatest(login_attempts.c.free_at, _NOW) + gap},
            where=login_attempts.c.free_at <= _NOW + until,
        )
        .returning(login_attempts.c.free_at)
        .cte("taken")
    )
    wait = (
        sa.select(sa.func.extract("epoch", login_attempts.c.free_at - until - _NOW))
        .where(login_attempts.c.email_hash == _EMAIL_HASH)
        .scalar_subquery()
    )
    whose = sa.select(accounts.c.id, accounts.c.password_hash).where(_BY_EMAIL).subquery("whose")
    asked = sa.select(sa.exists(sa.select(taken.c.free_at)).label("taken")).subquery("asked")
    return sa.select(
        asked.c.taken,
        sa.cast(sa.func.coalesce(wait, 0), sa.Float),
        whose.c.id,
        whose.c.password_hash,
    ).select_from(asked.outerjoin(whose, sa.true()))


def _prune() -> sa.Select[Any]:
    """Delete some sessions that have ended, and counts that say nothing any more.

    It waits for no lock: whoever holds one of these rows is about to use or to delete it. The rows
    are found into an array: of a join, PostgreSQL may ask for the first ones again and again, and
    passes over those that it has deleted.
    """
    pruned = []
    for table, key, moment in (
        (sessions, sessions.c.id, sessions.c.expires_at),
        (login_attempts, login_attempts.c.email_hash, login_attempts.c.free_at),
    ):
        old = (
            sa.select(key)
            .where(moment < _NOW)
            .order_by(moment)
            .limit(sa.literal_column(str(_PRUNED_AT_ONCE)))
            .with_for_update(skip_locked=True)
        )
        found = sa.func.array(old.scalar_subquery())
        pruned.append(sa.delete(table).where(key == sa.any_(found)).cte(f"pruned_{table.name}"))
    return sa.select(sa.literal_column("true")).add_cte(*pruned)


def _open_session() -> sa.Select[Any]:
    """Begin a session, and give its address all attempts back."""
    opened = (
        sa.insert(sessions)
        .from_select(
            ["account_id", "family_hash", "live_hashes", "expires_at"],
            sa.select(
                accounts.c.id,
                _bytes("family_hash"),
                pg.array([_bytes("fresh_hash")]),
                _NOW + _times("session_days", "day"),
            ).where(accounts.c.id == sa.bindparam("account_id", type_=sa.Uuid)),
        )
        .returning(sessions.c.id, sessions.c.account_id, sessions.c.expires_at)
        .cte("opened")
    )
    forgotten = (
        sa.delete(login_attempts).where(login_attempts.c.email_hash == _EMAIL_HASH).cte("forgotten")
    )
    return (
        sa.select(sa.cast(opened.c.id, sa.Text), _seconds_left(opened), account_json(accounts))
        .select_from(opened.join(accounts, accounts.c.id == opened.c.account_id))
        .add_cte(forgotten)
    )


def _refresh() -> sa.Select[Any]:
    """Judge a refresh token under its session's lock, and act on it. No row: there is none such.

    - rotated: it is live; the fresh one takes the place of all that are.
    - repeated: it is the last that was used, and its answer may have been lost; the fresh one
      is live beside the others.
    - reused: it was used before that. One of two who have it has stolen it; the session ends.
    - ended: the session had ended before.
    """
    own, fresh = _bytes("own_hash"), _bytes("fresh_hash")
    found = (
        sa.select(*sessions.c)
        .where(sessions.c.family_hash == _bytes("family_hash"))
        .with_for_update()
        .cte("found")
    )
    is_late = found.c.rotated_at <= _NOW - _times("leeway_seconds", "second")
    verdict = sa.case(
        (
            sa.or_(found.c.revoked_at.is_not(None), found.c.expires_at <= _NOW),
            sa.literal_column("'ended'"),
        ),
        (own == sa.func.any(found.c.live_hashes), sa.literal_column("'rotated'")),
        (
            sa.and_(
                own == found.c.spent_hash,
                ~is_late,
                sa.func.cardinality(found.c.live_hashes) < _MOST_LIVE,
            ),
            sa.literal_column("'repeated'"),
        ),
        else_=sa.literal_column("'reused'"),
    )
    judged = sa.select(
        found.c.id, found.c.account_id, found.c.expires_at, verdict.label("verdict")
    ).cte("judged")

    def when(name: Verdict, value: Any, otherwise: Any) -> sa.ColumnElement[Any]:
        return sa.case((judged.c.verdict == sa.literal_column(f"'{name}'"), value), else_=otherwise)

    rotated = pg.array([fresh])
    more = sa.func.array_append(sessions.c.live_hashes, fresh)
    acted = (
        sa.update(sessions)
        .where(sessions.c.id == judged.c.id, judged.c.verdict != sa.literal_column("'ended'"))
        .values(
            live_hashes=when("rotated", rotated, when("repeated", more, sessions.c.live_hashes)),
            spent_hash=when("rotated", own, sessions.c.spent_hash),
            rotated_at=when("rotated", _NOW, sessions.c.rotated_at),
            revoked_at=when("reused", _NOW, sa.null()),
        )
        .cte("acted")
    )
    return (
        sa.select(
            judged.c.verdict,
            sa.cast(judged.c.id, sa.Text),
            _seconds_left(judged),
            account_json(accounts),
        )
        .select_from(judged.join(accounts, accounts.c.id == judged.c.account_id))
        .add_cte(acted)
    )


def _make_admin() -> sa.Executable:
    """Make an admin, or one of an account that is there; its sessions end with its password."""
    made = insert(accounts).values(
        email=_text("email"),
        name=_text("name"),
        password_hash=_text("password_hash"),
        role=sa.literal_column("'admin'"),
    )
    admin = (
        made.on_conflict_do_update(
            index_elements=[sa.func.lower(accounts.c.email)],
            set_={"role": made.excluded.role, "password_hash": made.excluded.password_hash},
        )
        .returning(accounts.c.id)
        .cte("admin")
    )
    before = sa.select(accounts.c.id).where(_BY_EMAIL)
    ended = (
        sa.update(sessions)
        .where(sessions.c.account_id.in_(before), sessions.c.revoked_at.is_(None))
        .values(revoked_at=_NOW)
        .cte("ended")
    )
    return sa.select(sa.cast(admin.c.id, sa.Text), sa.exists(before)).add_cte(ended)


REGISTER_ACCOUNT = Statement("register_account", _register())
TAKE_ATTEMPT = Statement("take_attempt", _take_attempt())
PRUNE = Statement("prune_identity", _prune())
OPEN_SESSION = Statement("open_session", _open_session())
REFRESH_SESSION = Statement("refresh_session", _refresh())
END_SESSION = Statement(
    "end_session",
    sa.update(sessions)
    .where(sessions.c.family_hash == _bytes("family_hash"), sessions.c.revoked_at.is_(None))
    .values(revoked_at=_NOW),
)
REHASH = Statement(
    "rehash_password",
    sa.update(accounts)
    .where(
        accounts.c.id == sa.bindparam("account_id", type_=sa.Uuid),
        accounts.c.password_hash == _text("stale_hash"),
    )
    .values(password_hash=_text("password_hash")),
)
MAKE_ADMIN = Statement("make_admin", _make_admin())
