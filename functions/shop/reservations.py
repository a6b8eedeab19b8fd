"""Taking stock and giving it back, keyed by the UUID that the order carries.

All lines of a reservation are taken, or none. Products are locked in the order of their ids,
here and nowhere else for more than one, and a reservation's row after them, so that nobody
deadlocks. One line, the usual case, is one statement: the shorter a hot product's row stays
locked, the more orders it bears.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.api.products import Line
from shop.database import Statement
from shop.events import ProductStockLow, ProductUpdated
from shop.model.inventory import (
    MOST_TOTAL,
    alive,
    outbox,
    products,
    reservations,
    stock_movements,
)
from shop.model.parts import announce, json_object

_ID = sa.bindparam("reservation_id", type_=sa.Uuid)
_LINES = sa.bindparam("lines", type_=pg.JSONB)
_BIGINTS = pg.ARRAY(sa.BigInteger)


def summed(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """(product id, quantity) by ascending product id, lines of one product added up."""
    totals: Counter[int] = Counter()
    for line in lines:
        totals[line.product_id] += line.quantity
    return sorted(totals.items())


def _priced(rows: sa.FromClause, quantity: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return json_object(
        product_id=rows.c.id, name=rows.c.name, quantity=quantity, unit_price=rows.c.price
    )


def _sale(rows: sa.FromClause, quantity: sa.ColumnElement[Any]) -> tuple[sa.CTE, sa.CTE]:
    """The ledger's row and, where the threshold was crossed, the event of each product."""
    movement = (
        sa.insert(stock_movements)
        .from_select(
            ["product_id", "change", "reason", "reservation_id"],
            sa.select(rows.c.id, -quantity, sa.literal_column("'sale'"), _ID).select_from(rows),
        )
        .cte("movement")
    )
    low = announce(
        outbox,
        ProductStockLow,
        rows,
        aggregate_id=rows.c.id,
        when=sa.and_(
            rows.c.stock <= rows.c.low_stock_threshold,
            rows.c.stock + quantity > rows.c.low_stock_threshold,
        ),
        product_id=rows.c.id,
        product=rows.c.name,
    )
    return movement, low


def _held(answer: sa.FromClause) -> sa.CTE:
    return (
        sa.insert(reservations)
        .from_select(
            ["id", "status", "lines", "answer_status", "answer"],
            sa.select(
                _ID,
                sa.literal_column("'held'"),
                _LINES,
                sa.literal_column("200"),
                answer.c.body,
            ),
        )
        .cte("reservation")
    )


def _reserve_one() -> sa.Select[Any]:
    """Take one line; no row where that is not possible, and then nothing is written."""
    quantity = sa.bindparam("quantity", type_=sa.BigInteger)
    total = products.c.price * quantity
    taken = (
        sa.update(products)
        .where(
            products.c.id == sa.bindparam("product_id", type_=sa.BigInteger),
            alive,
            products.c.stock >= quantity,
            total <= sa.literal_column(MOST_TOTAL),
        )
        .values(stock=products.c.stock - quantity)
        .returning(
            products.c.id,
            products.c.name,
            products.c.price,
            products.c.stock,
            products.c.low_stock_threshold,
        )
        .cte("taken")
    )
    answer = sa.select(
        json_object(
            reservation_id=_ID,
            items=sa.func.json_build_array(_priced(taken, quantity)),
            total_price=taken.c.price * quantity,
        ).label("body")
    ).cte("answer")
    return sa.select(sa.cast(answer.c.body, sa.Text)).add_cte(
        _held(answer), *_sale(taken, quantity)
    )


def _lock() -> sa.Select[Any]:
    """The products of a reservation, locked in the order of their ids."""
    return (
        sa.select(products.c.id, products.c.name, products.c.price, products.c.stock)
        .where(products.c.id == sa.any_(sa.bindparam("ids", type_=_BIGINTS)), alive)
        .order_by(products.c.id)
        .with_for_update(key_share=True)
    )


def _take_locked() -> sa.Select[Any]:
    """Take lines of which it is known, under lock, that they can be taken."""
    line = (
        sa.func.unnest(
            sa.bindparam("ids", type_=_BIGINTS), sa.bindparam("quantities", type_=_BIGINTS)
        )
        .table_valued(sa.column("product_id", sa.BigInteger), sa.column("quantity", sa.BigInteger))
        .render_derived(name="line")
    )
    taken = (
        sa.update(products)
        .where(products.c.id == line.c.product_id)
        .values(stock=products.c.stock - line.c.quantity)
        .returning(
            products.c.id,
            products.c.name,
            products.c.price,
            products.c.stock,
            products.c.low_stock_threshold,
            line.c.quantity,
        )
        .cte("taken")
    )
    answer = sa.select(
        json_object(
            reservation_id=_ID,
            items=sa.func.json_agg(
                pg.aggregate_order_by(_priced(taken, taken.c.quantity), taken.c.id)
            ),
            total_price=sa.func.sum(taken.c.price * taken.c.quantity),
        ).label("body")
    ).cte("answer")
    return sa.select(sa.cast(answer.c.body, sa.Text)).add_cte(
        _held(answer), *_sale(taken, taken.c.quantity)
    )


def _release() -> sa.Select[Any]:
    """Give back what a held reservation took; its lines as JSON, or no row where none is held.

    The products are locked first and the reservation after them, as a reserve does: one that
    repeats the UUID at this moment then waits at a product, and holds nothing that this waits for.
    """
    held = reservations.c.id == _ID, reservations.c.status == "held"
    wanted = sa.select(reservations.c.lines).where(*held).cte("wanted")
    line = (
        sa.func.jsonb_to_recordset(wanted.c.lines)
        .table_valued(sa.column("product_id", sa.BigInteger), sa.column("quantity", sa.BigInteger))
        .render_derived(name="line", with_types=True)
    )
    locked = (
        sa.select(products.c.id, line.c.quantity)
        .select_from(wanted)
        .join(line, sa.true())
        .join(products, products.c.id == line.c.product_id)
        .order_by(products.c.id)
        .with_for_update(key_share=True, of=products)
        .cte("locked")
    )
    # Counting them is what takes the locks. Whoever released it meanwhile has changed the status.
    released = (
        sa.update(reservations)
        .where(*held, sa.select(sa.func.count()).select_from(locked).scalar_subquery() > 0)
        .values(status="released", released_at=sa.func.clock_timestamp())
        .returning(reservations.c.lines)
        .cte("released")
    )
    credited = (
        sa.update(products)
        .where(products.c.id == locked.c.id, sa.exists(sa.select(1).select_from(released)))
        .values(stock=products.c.stock + locked.c.quantity)
        .returning(
            products.c.id,
            products.c.name,
            products.c.price,
            products.c.stock,
            products.c.version,
            products.c.deleted_at,
            locked.c.quantity,
        )
        .cte("credited")
    )
    movement = (
        sa.insert(stock_movements)
        .from_select(
            ["product_id", "change", "reason", "reservation_id"],
            sa.select(
                credited.c.id, credited.c.quantity, sa.literal_column("'release'"), _ID
            ).select_from(credited),
        )
        .cte("movement")
    )
    updated = announce(
        outbox,
        ProductUpdated,
        credited,
        aggregate_id=credited.c.id,
        when=credited.c.deleted_at.is_(None),
        product_id=credited.c.id,
        product=credited.c.name,
        cause=sa.literal_column("'release'"),
    )
    return sa.select(sa.cast(released.c.lines, sa.Text)).add_cte(movement, updated)


RESERVE_ONE = Statement("reserve_one", _reserve_one())
LOCK_PRODUCTS = Statement("lock_products", _lock())
TAKE_LOCKED = Statement("take_locked", _take_locked())
RELEASE = Statement("release", _release())
REFUSE = Statement(
    "refuse_reservation",
    sa.insert(reservations).values(
        id=_ID,
        status=sa.literal_column("'refused'"),
        lines=_LINES,
        answer_status=sa.bindparam("answer_status", type_=sa.SmallInteger),
        answer=sa.cast(sa.bindparam("answer", type_=sa.Text), pg.JSON),
    ),
)
RECALL = Statement(
    "recall_reservation",
    sa.select(
        reservations.c.status,
        reservations.c.lines,
        reservations.c.answer_status,
        sa.cast(reservations.c.answer, sa.Text),
    ).where(reservations.c.id == _ID),
)
TOMBSTONE = Statement(
    "tombstone",
    pg.insert(reservations)
    .values(
        id=_ID,
        status=sa.literal_column("'released'"),
        lines=sa.literal_column("'[]'::jsonb"),
        released_at=sa.func.clock_timestamp(),
    )
    .on_conflict_do_nothing()
    .returning(reservations.c.id),
)
