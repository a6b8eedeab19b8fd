"""The catalogue's writes, each a single statement: product, ledger and event at once."""

from typing import Any

import sqlalchemy as sa

from shop.database import Statement
from shop.events import ProductCreated, ProductDeleted, ProductStockLow, ProductUpdated
from shop.idempotency import IdempotencyKeys
from shop.model.inventory import (
    MOST_STOCK,
    alive,
    idempotency_keys,
    outbox,
    product_json,
    products,
    stock_movements,
)
from shop.model.parts import announce, rfc3339

KEYS = IdempotencyKeys(idempotency_keys)

_ID = sa.bindparam("id", type_=sa.BigInteger)


def _parameter(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=products.c[name].type)


def _movement(
    rows: sa.FromClause, change: sa.ColumnElement[Any], reason: sa.ColumnElement[str]
) -> sa.CTE:
    """A row of the ledger for each row whose change is not nothing."""
    return (
        sa.insert(stock_movements)
        .from_select(
            ["product_id", "change", "reason"],
            sa.select(rows.c.id, change, reason).where(change != 0),
        )
        .cte("movement")
    )


def _create() -> sa.Select[Any]:
    created = (
        sa.insert(products)
        .values(
            {
                name: _parameter(name)
                for name in (
                    "name",
                    "description",
                    "price",
                    "stock",
                    "category",
                    "image_url",
                    "low_stock_threshold",
                )
            }
        )
        .returning(*products.c)
        .cte("created")
    )
    movement = _movement(created, created.c.stock, sa.literal_column("'initial'"))
    event = announce(
        outbox,
        ProductCreated,
        created,
        aggregate_id=created.c.id,
        product_id=created.c.id,
        product=created.c.name,
        created_at=rfc3339(created.c.created_at),
    )
    return sa.select(
        product_json(created), created.c.version, created.c.stock, created.c.id
    ).add_cte(movement, event)


def _updated_event(rows: sa.FromClause, cause: str) -> sa.CTE:
    return announce(
        outbox,
        ProductUpdated,
        rows,
        aggregate_id=rows.c.id,
        product_id=rows.c.id,
        product=rows.c.name,
        cause=sa.literal_column(f"'{cause}'"),
    )


def _update() -> sa.Select[Any]:
    """Lock, compare, write.

    There is a row wherever the product exists; its JSON is null where If-Match does not hold.
    """
    before = (
        sa.select(products.c.id, products.c.version, products.c.stock)
        .where(products.c.id == _ID, alive)
        .with_for_update(key_share=True)
        .cte("before")
    )
    version = sa.bindparam("expected_version", None, type_=sa.BigInteger)
    stock = sa.bindparam("expected_stock", None, type_=sa.BigInteger)

    def kept(name: str) -> sa.ColumnElement[Any]:
        return sa.case(
            (sa.bindparam(f"set_{name}", type_=sa.Boolean), _parameter(name)),
            else_=products.c[name],
        )

    after = (
        sa.update(products)
        .where(
            products.c.id == before.c.id,
            sa.or_(version.is_(None), before.c.version == version),
            sa.or_(stock.is_(None), before.c.stock == stock),
        )
        .values(
            name=_parameter("name"),
            price=_parameter("price"),
            description=kept("description"),
            stock=kept("stock"),
            category=kept("category"),
            image_url=kept("image_url"),
            low_stock_threshold=kept("low_stock_threshold"),
            version=products.c.version + 1,
            updated_at=sa.func.clock_timestamp(),
        )
        .returning(*products.c, before.c.stock.label("stock_before"))
        .cte("after")
    )
    movement = _movement(
        after, after.c.stock - after.c.stock_before, sa.literal_column("'stock_take'")
    )
    low = announce(
        outbox,
        ProductStockLow,
        after,
        aggregate_id=after.c.id,
        when=sa.and_(
            after.c.stock <= after.c.low_stock_threshold,
            after.c.stock_before > after.c.low_stock_threshold,
        ),
        product_id=after.c.id,
        product=after.c.name,
    )
    return (
        sa.select(
            sa.case((after.c.id.is_not(None), product_json(after))),
            after.c.version,
            after.c.stock,
        )
        .select_from(before.outerjoin(after, after.c.id == before.c.id))
        .add_cte(movement, _updated_event(after, "edit"), low)
    )


def _delete() -> sa.Select[Any]:
    deleted = (
        sa.update(products)
        .where(products.c.id == _ID, alive)
        .values(deleted_at=sa.func.clock_timestamp())
        .returning(products.c.id, products.c.name)
        .cte("deleted")
    )
    event = announce(
        outbox,
        ProductDeleted,
        deleted,
        aggregate_id=deleted.c.id,
        product_id=deleted.c.id,
        product=deleted.c.name,
    )
    return sa.select(deleted.c.id).add_cte(event)


def _receive() -> sa.Select[Any]:
    quantity = sa.bindparam("quantity", type_=sa.BigInteger)
    received = (
        sa.update(products)
        .where(products.c.id == _ID, alive, products.c.stock + quantity <= MOST_STOCK)
        .values(stock=products.c.stock + quantity)
        .returning(*products.c)
        .cte("received")
    )
    movement = _movement(received, quantity, sa.literal_column("'restock'"))
    return sa.select(product_json(received), received.c.version, received.c.stock).add_cte(
        movement, _updated_event(received, "restock")
    )


CREATE_PRODUCT = Statement("create_product", _create())
UPDATE_PRODUCT = Statement("update_product", _update())
DELETE_PRODUCT = Statement("delete_product", _delete())
RECEIVE_STOCK = Statement("receive_stock", _receive())
PRODUCT_STOCK = Statement(
    "product_stock", sa.select(products.c.stock).where(products.c.id == _ID, alive)
)
