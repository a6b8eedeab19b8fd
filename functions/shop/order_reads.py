"""The reads of orders, as who asks may see them: one with its timeline, and pages by keyset."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Statement
from shop.model.orders import order_json, orders, visible
from shop.model.parts import json_object, rfc3339

_ID = sa.bindparam("id", type_=sa.BigInteger)


def _timeline() -> sa.ColumnElement[Any]:
    """The order's steps as a JSON array, oldest first."""
    stamps = ("pending", orders.c.created_at), ("confirmed", orders.c.confirmed_at)
    later = (
        ("rejected", orders.c.rejected_at),
        ("cancelled", orders.c.cancelled_at),
        ("released", orders.c.released_at),
    )
    steps = sa.union_all(
        *(
            sa.select(
                sa.literal_column(f"'{status}'").label("status"),
                stamp.label("at"),
                sa.literal_column(str(place)).label("place"),
            ).correlate(orders)
            for place, (status, stamp) in enumerate((*stamps, *later))
        )
    ).subquery("steps")
    entry = json_object(status=steps.c.status, at=rfc3339(steps.c.at))
    return (
        sa.select(sa.func.json_agg(pg.aggregate_order_by(entry, steps.c.at, steps.c.place)))
        .where(steps.c.at.is_not(None))
        .scalar_subquery()
    )


STORED_FOR_CALLER = Statement(
    "stored_order",
    sa.select(
        orders.c.status,
        order_json(orders),
        orders.c.reservation_id,
        orders.c.released_at.is_not(None),
    ).where(orders.c.id == _ID, visible),
)
GET_ORDER = Statement(
    "get_order",
    sa.select(
        order_json(
            orders,
            timeline=_timeline(),
            rejection=orders.c.rejection,
            cancelled_by=orders.c.cancelled_by,
        )
    ).where(orders.c.id == _ID, visible),
)


@lru_cache(maxsize=8)
def page_of_orders(*, everybodys: bool, by_status: bool, after: bool) -> Statement:
    """A page of an account's orders, or of everybody's, newest first: JSON text and id."""
    conditions = [] if everybodys else [orders.c.account == sa.bindparam("account", type_=sa.Text)]
    if by_status:
        conditions.append(orders.c.status == sa.bindparam("status", type_=sa.Text))
    if after:
        conditions.append(orders.c.id < sa.bindparam("after_id", type_=sa.BigInteger))
    return Statement(
        "page_of_orders",
        sa.select(order_json(orders), orders.c.id)
        .where(*conditions)
        .order_by(orders.c.id.desc())
        .limit(sa.bindparam("rows", type_=sa.Integer)),
    )
