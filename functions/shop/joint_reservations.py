"""Many reservations of one product in one statement, for the product that everyone buys.

A reservation holds its product's row from its update until its commit is on disk: one after the
other, they come no faster than the disk writes. Together they take the row once, and pay for one
commit. Whoever does not fit is decided alone, so that every answer is exact.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Database, Statement
from shop.errors import DependencyDown, InsufficientStock
from shop.events import ProductStockLow
from shop.model.inventory import (
    MOST_TOTAL,
    alive,
    outbox,
    products,
    reservations,
    stock_movements,
)
from shop.model.parts import announce, json_object
from shop.reservations import RESERVE_ONE

_PRODUCT = sa.bindparam("product_id", type_=sa.BigInteger)
_IDS = sa.bindparam("reservation_ids", type_=pg.ARRAY(sa.Uuid))


class Asked(NamedTuple):
    """A reservation of one line, with the trace context that it came in."""

    reservation_id: UUID
    quantity: int
    traceparent: str | None


# The answer's JSON where the stock was taken.
Decision = str | InsufficientStock | None
# An id, what is asked for, and why it cannot be had.
_Short = tuple[UUID, int, InsufficientStock]


def _lines(quantity: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    line = sa.func.jsonb_build_object(
        sa.literal_column("'product_id'"), _PRODUCT, sa.literal_column("'quantity'"), quantity
    )
    return sa.func.jsonb_build_array(line)


def _asked() -> sa.CTE:
    """What is asked for, in the order in which it came, with what all up to each ask for."""
    given = (
        sa.func.unnest(_IDS, sa.bindparam("quantities", type_=pg.ARRAY(sa.BigInteger)))
        .table_valued(
            sa.column("id", sa.Uuid), sa.column("quantity", sa.BigInteger), with_ordinality="place"
        )
        .render_derived(name="given")
    )
    running = sa.func.sum(given.c.quantity).over(order_by=given.c.place)
    return sa.select(given.c.id, given.c.quantity, running.label("running")).cte("asked")


def _fitting(asked: sa.CTE, product: sa.CTE) -> sa.CTE:
    """Those that the stock is enough for, whoever of those before them is left out."""
    total = product.c.price * asked.c.quantity
    item = json_object(
        product_id=product.c.id,
        name=product.c.name,
        quantity=asked.c.quantity,
        unit_price=product.c.price,
    )
    body = json_object(
        reservation_id=asked.c.id, items=sa.func.json_build_array(item), total_price=total
    )
    known = sa.select(sa.literal_column("1")).where(reservations.c.id == asked.c.id).exists()
    return (
        sa.select(asked.c.id, asked.c.quantity, body.label("body"))
        .select_from(asked.join(product, sa.true()))
        .where(asked.c.running <= product.c.stock, total <= sa.literal_column(MOST_TOTAL), ~known)
        .cte("fitting")
    )


def _reserve_together() -> sa.Select[Any]:
    """Take what fits; each id with its answer, which is null where it was not taken.

    Beside them stand the product's name and its stock before; null where there is no product.
    """
    product = (
        sa.select(
            products.c.id,
            products.c.name,
            products.c.price,
            products.c.stock,
            products.c.low_stock_threshold,
        )
        .where(products.c.id == _PRODUCT, alive)
        .with_for_update(key_share=True)
        .cte("product")
    )
    asked = _asked()
    fitting = _fitting(asked, product)
    # Another process may be reserving the same id at this moment: then this one does not.
    held = (
        pg.insert(reservations)
        .from_select(
            ["id", "status", "lines", "answer_status", "answer"],
            sa.select(
                fitting.c.id,
                sa.literal_column("'held'"),
                _lines(fitting.c.quantity),
                sa.literal_column("200"),
                fitting.c.body,
            ),
        )
        .on_conflict_do_nothing()
        .returning(reservations.c.id)
        .cte("held")
    )
    sold = (
        sa.select(fitting.c.id, fitting.c.quantity, fitting.c.body)
        .select_from(fitting.join(held, held.c.id == fitting.c.id))
        .cte("sold")
    )
    # Joined, not asked for in the SET: PostgreSQL runs a sub-query of an UPDATE again where the
    # row has changed meanwhile, and cannot do that with one that inserts.
    sum_ = (
        sa.select(sa.func.sum(sold.c.quantity).label("quantity"))
        .having(sa.func.count() > sa.literal_column("0"))
        .subquery("sum")
    )
    taken = (
        sa.update(products)
        .where(products.c.id == product.c.id, sum_.c.quantity > sa.literal_column("0"))
        .values(stock=products.c.stock - sum_.c.quantity)
        .returning(
            products.c.id,
            products.c.name,
            products.c.stock,
            products.c.low_stock_threshold,
            product.c.stock.label("stock_before"),
        )
        .cte("taken")
    )
    movement = (
        sa.insert(stock_movements)
        .from_select(
            ["product_id", "change", "reason", "reservation_id"],
            sa.select(
                taken.c.id, -sold.c.quantity, sa.literal_column("'sale'"), sold.c.id
            ).select_from(sold.join(taken, sa.true())),
        )
        .cte("movement")
    )
    low = announce(
        outbox,
        ProductStockLow,
        taken,
        aggregate_id=taken.c.id,
        when=sa.and_(
            taken.c.stock <= taken.c.low_stock_threshold,
            taken.c.stock_before > taken.c.low_stock_threshold,
        ),
        product_id=taken.c.id,
        product=taken.c.name,
    )
    return (
        sa.select(asked.c.id, sa.cast(sold.c.body, sa.Text), product.c.name, product.c.stock)
        .select_from(asked.outerjoin(product, sa.true()).outerjoin(sold, sold.c.id == asked.c.id))
        .add_cte(movement, low)
    )


def _refuse_together() -> sa.Insert:
    """Store refusals; the ids of those that were not known."""
    refused = (
        sa.func.unnest(
            _IDS,
            sa.bindparam("quantities", type_=pg.ARRAY(sa.BigInteger)),
            sa.bindparam("answers", type_=pg.ARRAY(sa.Text)),
        )
        .table_valued(
            sa.column("id", sa.Uuid), sa.column("quantity", sa.BigInteger), sa.column("answer")
        )
        .render_derived(name="refused")
    )
    return (
        pg.insert(reservations)
        .from_select(
            ["id", "status", "lines", "answer_status", "answer"],
            sa.select(
                refused.c.id,
                sa.literal_column("'refused'"),
                _lines(refused.c.quantity),
                sa.literal_column(str(InsufficientStock.status)),
                sa.cast(refused.c.answer, pg.JSON),
            ),
        )
        .on_conflict_do_nothing()
        .returning(reservations.c.id)
    )


RESERVE_TOGETHER = Statement("reserve_together", _reserve_together())
REFUSE_TOGETHER = Statement("refuse_together", _refuse_together())


async def reserve_one(database: Database, product_id: int, asked: Asked) -> str | None:
    """The answer, or None where it is to be decided under lock.

    Raises:
        UniqueViolation: the id was used before.
        DependencyDown: PostgreSQL does not answer.
    """
    row = await database.row(
        RESERVE_ONE,
        reservation_id=asked.reservation_id,
        lines=json.dumps([{"product_id": product_id, "quantity": asked.quantity}]),
        product_id=product_id,
        quantity=asked.quantity,
        traceparent=asked.traceparent,
    )
    return None if row is None else row[0]


async def reserve_together(
    database: Database, product_id: int, asked: Sequence[Asked]
) -> list[Decision]:
    """The decision on each in its place, or None for one that is to be decided alone.

    What is announced belongs to the trace of the first.

    Raises:
        DependencyDown: PostgreSQL does not answer; what was taken is recalled by its id.
    """
    by_id: dict[UUID, Asked] = {}
    for each in asked:
        by_id.setdefault(each.reservation_id, each)
    rows = await database.rows(
        RESERVE_TOGETHER,
        product_id=product_id,
        reservation_ids=list(by_id),
        quantities=[each.quantity for each in by_id.values()],
        traceparent=asked[0].traceparent,
    )
    decided: dict[UUID, Decision] = {}
    short: list[_Short] = []
    for reservation_id, answer, name, stock in rows:
        quantity = by_id[reservation_id].quantity
        if answer is not None:
            decided[reservation_id] = answer
        elif name is not None and quantity > stock:
            refusal = InsufficientStock.of([(product_id, name, quantity, stock)])
            short.append((reservation_id, quantity, refusal))
    if short:
        new = await _refuse(database, product_id, short)
        decided |= {id_: refusal for id_, _, refusal in short if id_ in new}
    # An id that comes twice is decided once, and the second time recalled.
    return [
        decided.get(each.reservation_id) if by_id[each.reservation_id] is each else None
        for each in asked
    ]


async def _refuse(database: Database, product_id: int, short: Sequence[_Short]) -> set[UUID]:
    """Store the refusals; the ids of those that are stored, the others are decided alone.

    The product is not locked any more, and need not be: at that moment it was short.
    """
    try:
        stored = await database.rows(
            REFUSE_TOGETHER,
            product_id=product_id,
            reservation_ids=[reservation_id for reservation_id, _, _ in short],
            quantities=[quantity for _, quantity, _ in short],
            answers=[refusal.body().decode() for _, _, refusal in short],
        )
    except DependencyDown:
        return set()  # Whoever was served before has his stock, and must have his answer.
    return {row[0] for row in stored}
