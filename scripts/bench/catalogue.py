"""Databases filled for a measurement: made in SQL, the same on every run."""

from typing import Any

import psycopg
from psycopg import sql

from bench.postgres import Postgres
from shop.migrate import migrate

PLENTY = 100_000_000
RARE_WORD = "quetzal"
COMMON_WORD = "portable"
# What every product is that is not portable.
UNCOMMON_WORD = "sturdy"
SCARCE_WORD = "heirloom"
PREFIX = "headph"
CATEGORY = "audio"

# Product n of a catalogue. Every second one is portable, one in ten thousand an heirloom, one in
# eight is in audio, one in ten is sold out where `sold_out` says so, and the one in the middle has
# a word of its own.
_FILL = """
INSERT INTO products (name, description, price, stock, category, image_url, created_at, updated_at)
SELECT
  (ARRAY['Nordic', 'Compact', 'Classic', 'Silent', 'Solar', 'Amber', 'Urban'])[1 + n %% 7] || ' '
    || (ARRAY['headphones', 'kettle', 'lamp', 'tent', 'notebook', 'keyboard', 'blender', 'speaker',
              'backpack', 'monitor', 'teapot'])[1 + n %% 11] || ' ' || n,
  'A ' || CASE WHEN n %% 2 = 0 THEN 'portable' ELSE 'sturdy' END
    || ' companion for every day, made to last and easy to repair. Series ' || n %% 97
    || CASE WHEN n %% 10000 = 1 THEN ' heirloom' ELSE '' END
    || CASE WHEN n = %(count)s / 2 THEN ' quetzal' ELSE '' END,
  (100 + n * 7919 %% 90000) / 100.0,
  CASE WHEN %(sold_out)s AND n %% 10 = 0 THEN 0 ELSE %(stock)s END,
  (ARRAY['audio', 'computers', 'home', 'kitchen', 'outdoors', 'books', 'garden', 'toys'])
    [1 + n %% 8],
  '/pictures/product-' || n %% 40 || '.svg',
  moment, moment
FROM generate_series(1, %(count)s::bigint) AS n,
  LATERAL (SELECT timestamptz '2025-01-01 00:00:00Z' + n * interval '1 second' AS moment)
ORDER BY n
"""
_LEDGER = """
INSERT INTO stock_movements (product_id, change, reason)
SELECT id, stock, 'initial' FROM products WHERE stock > 0
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = 'products' AND indexname <> 'products_pkey'
"""
_DIFFERENCES = """
SELECT count(*) FROM products AS p
WHERE stock <> (SELECT coalesce(sum(change), 0) FROM stock_movements WHERE product_id = p.id)
"""


def make_inventory(postgres: Postgres, name: str, count: int) -> str:
    """Make an inventory database with `count` products, ids from 1; returns its address."""
    url = postgres.create_database(name)
    migrate("inventory", url)
    with postgres.connect(name) as connection:
        fill_inventory(connection, count)
    return url


def fill_inventory(connection: psycopg.Connection[tuple[Any, ...]], count: int) -> None:
    """Insert products with plenty of stock, each with the movement that its stock began with."""
    _fill(connection, count, stock=PLENTY, sold_out=False)
    connection.execute(_LEDGER)


def make_catalogue(postgres: Postgres, name: str, count: int, *, stock: int) -> str:
    """Make an inventory database only to be read; returns its address.

    It has no ledger, and its indexes are built after its rows, which is how a million products
    take half a minute.
    """
    url = postgres.create_database(name)
    migrate("inventory", url)
    with postgres.connect(name) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        indexes = connection.execute(_INDEXES).fetchall()
        for index, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
        _fill(connection, count, stock=stock, sold_out=True)
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM (ANALYZE) products")
        connection.execute("CHECKPOINT")
    return url


def _fill(
    connection: psycopg.Connection[tuple[Any, ...]], count: int, *, stock: int, sold_out: bool
) -> None:
    connection.execute(_FILL, {"count": count, "stock": stock, "sold_out": sold_out})
    connection.execute("VACUUM (ANALYZE) products")


def ledger_differences(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Products whose stock is not the sum of their movements."""
    row = connection.execute(_DIFFERENCES).fetchone()
    return int(row[0]) if row else 0
