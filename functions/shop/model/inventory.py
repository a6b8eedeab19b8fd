"""The inventory database.

Products are the present, stock_movements the past: a product's stock is the sum of its
movements at every commit. A reservation is keyed by the UUID that its order carries.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.model.parts import json_object, keys_table, outbox_table, rfc3339

MOST_STOCK = 1_000_000_000
MOST_TOTAL = "9999999999.99"

metadata = sa.MetaData()
_now = sa.text("clock_timestamp()")

products = sa.Table(
    "products",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("price", sa.Numeric(12, 2), nullable=False),
    sa.Column("stock", sa.BigInteger, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("image_url", sa.Text),
    sa.Column("low_stock_threshold", sa.Integer, nullable=False, server_default="10"),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
    sa.Column("updated_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
    sa.Column("deleted_at", pg.TIMESTAMP(timezone=True)),
    sa.Column("search", pg.TSVECTOR),
)

# Every word that a product has, or had: triggers of `products` add to it, nothing takes away. Where
# `bounded`, no product with the word has a higher id, an earlier name, or another price than these.
known_words = sa.Table(
    "known_words",
    metadata,
    sa.Column("word", sa.Text(collation="C"), primary_key=True),
    sa.Column("bounded", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("highest_id", sa.BigInteger),
    sa.Column("first_name", sa.Text),
    sa.Column("lowest_price", sa.Numeric(12, 2)),
    sa.Column("highest_price", sa.Numeric(12, 2)),
)

stock_movements = sa.Table(
    "stock_movements",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("product_id", sa.BigInteger, sa.ForeignKey("products.id"), nullable=False),
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reservation_id", sa.Uuid),
    sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
)

reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("lines", pg.JSONB, nullable=False),
    sa.Column("answer_status", sa.SmallInteger),
    sa.Column("answer", pg.JSON),
    sa.Column("created_at", pg.TIMESTAMP(timezone=True), nullable=False, server_default=_now),
    sa.Column("released_at", pg.TIMESTAMP(timezone=True)),
)

outbox = outbox_table(metadata)
idempotency_keys = keys_table(metadata)

alive = products.c.deleted_at.is_(None)


def shown(row: sa.FromClause) -> dict[str, sa.ColumnElement[Any]]:
    """The members of a product as the API shows it."""
    return {
        "id": row.c.id,
        "name": row.c.name,
        "description": row.c.description,
        "price": row.c.price,
        "stock": row.c.stock,
        "category": row.c.category,
        "image_url": row.c.image_url,
        "low_stock_threshold": row.c.low_stock_threshold,
        "created_at": rfc3339(row.c.created_at),
        "updated_at": rfc3339(row.c.updated_at),
    }


def product_json(row: sa.FromClause) -> sa.ColumnElement[str]:
    """A product as the API shows it, as JSON text."""
    return sa.cast(json_object(**shown(row)), sa.Text)
