"""The notifications database: what was told, to whom it is yet to be told, and what failed."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()
_now = sa.text("clock_timestamp()")

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("event_time", pg.TIMESTAMP(timezone=True)),
    sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
    sa.Column("delivered_at", pg.TIMESTAMP(timezone=True)),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    # The channels that have it, by name, while others fail: a retry does not tell them again.
    sa.Column("delivered_to", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("next_attempt_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
)

# The inbox: an event's row is inserted with its notification, or neither is.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("received_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
)

# What the courier has delivered, by type, ever: survives the pruning of notifications.
delivered_tally = sa.Table(
    "delivered_tally",
    metadata,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("delivered", sa.BigInteger, nullable=False),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("error_code", sa.Integer),
    sa.Column("error", sa.Text),
    # All context attributes, and the data as it came: what a replay publishes again.
    sa.Column("attributes", pg.JSON, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("data_is_base64", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("received_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
    sa.Column("replayed_at", pg.TIMESTAMP(timezone=True)),
    # Whether its source has signed it; null where authentication was off when it came.
    sa.Column("verified", sa.Boolean),
    sa.UniqueConstraint("source", "event_id", "destination"),
)
