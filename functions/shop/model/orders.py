"""The orders database: an order's row is the log of its saga."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.model.parts import json_object, keys_table, outbox_table, rfc3339

# How long an order may be pending, in seconds, where ORDER_STUCK_SECONDS says nothing else.
ORDER_STUCK_SECONDS = 30

metadata = sa.MetaData()

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("reservation_id", sa.Uuid, nullable=False, unique=True),
    sa.Column("account", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False, server_default="pending"),
    # As asked for while pending (product_id, quantity); with names and prices once confirmed.
    sa.Column("items", pg.JSON, nullable=False),
    sa.Column("total_price", sa.Numeric(12, 2)),
    # Of a rejected order: the problem document that its client was answered with.
    sa.Column("rejection", pg.JSON),
    sa.Column("cancelled_by", sa.Text),
    sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False,
              server_default=sa.text("clock_timestamp()")),
    sa.Column("confirmed_at", pg.TIMESTAMP(timezone=True)),
    sa.Column("rejected_at", pg.TIMESTAMP(timezone=True)),
    sa.Column("cancelled_at", pg.TIMESTAMP(timezone=True)),
    sa.Column("released_at", pg.TIMESTAMP(timezone=True)),
)  # fmt: skip

outbox = outbox_table(metadata)
idempotency_keys = keys_table(
    metadata, sa.Column("order_id", sa.BigInteger, sa.ForeignKey("orders.id"))
)

# What the relay has published, by type: with what still waits in the outbox, the exact number
# of orders that ever reached each status.
published_tally = sa.Table(
    "published_tally",
    metadata,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("published", sa.BigInteger, nullable=False),
)

# An order is its account's, and an admin's.
visible = sa.or_(
    orders.c.account == sa.bindparam("account", type_=sa.Text),
    sa.bindparam("everybodys", type_=sa.Boolean),
)


def order_json(row: sa.FromClause, **further: sa.ColumnElement[object]) -> sa.ColumnElement[str]:
    """An order as the API shows it, as JSON text.

    product_id and quantity are those of its one line, and null where it has several.
    """
    one = sa.func.json_array_length(row.c["items"]) == 1
    first = row.c["items"].op("->", return_type=pg.JSON)(sa.literal_column("0"))
    return sa.cast(
        json_object(
            id=row.c.id,
            product_id=sa.case(
                (one, first.op("->", return_type=pg.JSON)(sa.literal_column("'product_id'")))
            ),
            quantity=sa.case(
                (one, first.op("->", return_type=pg.JSON)(sa.literal_column("'quantity'")))
            ),
            items=row.c["items"],
            total_price=row.c.total_price,
            status=row.c.status,
            created_at=rfc3339(row.c.created_at),
            **further,
        ),
        sa.Text,
    )
