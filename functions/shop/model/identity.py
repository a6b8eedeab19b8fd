"""The identity database: who has an account, where they are signed in, who tries to.

It holds no password and no token, but what they can be compared with.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.model.parts import json_object, rfc3339

metadata = sa.MetaData()
_now = sa.text("clock_timestamp()")

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("role", sa.Text, nullable=False, server_default="customer"),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
)

# A row is a family of refresh tokens, of which at most some few can be used at a time.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("family_hash", pg.BYTEA, nullable=False, unique=True),
    sa.Column("live_hashes", pg.ARRAY(pg.BYTEA), nullable=False),
    sa.Column("spent_hash", pg.BYTEA),
    sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
    sa.Column("rotated_at", pg.TIMESTAMP(timezone=True)),
    sa.Column("expires_at", pg.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("revoked_at", pg.TIMESTAMP(timezone=True)),
)

login_attempts = sa.Table(
    "login_attempts",
    metadata,
    sa.Column("email_hash", pg.BYTEA, primary_key=True),
    sa.Column("free_at", pg.TIMESTAMP(timezone=True), nullable=False),
)


def account_json(row: sa.FromClause, **further: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """An account as the API shows it, as JSON text."""
    return sa.cast(
        json_object(id=row.c.id, email=row.c.email, name=row.c.name, role=row.c.role, **further),
        sa.Text,
    )


def registered_json(row: sa.FromClause) -> sa.ColumnElement[str]:
    """An account with the moment at which it was made, as JSON text."""
    return account_json(row, created_at=rfc3339(row.c.created_at))
