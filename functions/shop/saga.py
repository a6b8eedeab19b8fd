"""The order saga's steps in the database: every one guarded by the status that it starts from.

A confirm and a cancel that meet are decided by the row: one finds it as it was, the other
does not and reads what is stored instead.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Statement
from shop.events import OrderCancelled, OrderCreated, OrderRejected
from shop.idempotency import expired
from shop.model.orders import idempotency_keys, order_json, orders, outbox, visible
from shop.model.parts import announce, rfc3339

_ID = sa.bindparam("id", type_=sa.BigInteger)
_ACCOUNT = sa.bindparam("account", type_=sa.Text)
_KEY_COLUMNS = ("account", "route", "key")
_CUSTOMER: sa.ColumnElement[str] = sa.literal_column("'customer'")
_SYSTEM: sa.ColumnElement[str] = sa.literal_column("'system'")


def _text(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Text)


def _place() -> sa.Insert:
    return (
        sa.insert(orders)
        .values(
            reservation_id=sa.bindparam("reservation_id", type_=sa.Uuid),
            account=_ACCOUNT,
            items=sa.cast(_text("items"), pg.JSON),
        )
        .returning(orders.c.id)
    )


def _place_keyed() -> sa.Select[Any]:
    """Insert the order and its key; a key that was used before is a unique violation."""
    placed = _place().cte("placed")
    keyed = (
        sa.insert(idempotency_keys)
        .from_select(
            [*_KEY_COLUMNS, "fingerprint", "order_id"],
            sa.select(
                _ACCOUNT,
                _text("route"),
                _text("key"),
                _text("fingerprint"),
                placed.c.id,
            ),
        )
        .cte("keyed")
    )
    return sa.select(placed.c.id).add_cte(keyed)


def _recall() -> sa.Select[Any]:
    keys = idempotency_keys
    return (
        sa.select(
            keys.c.fingerprint,
            keys.c.status,
            sa.cast(keys.c.headers, sa.Text),
            keys.c.body,
            orders.c.id,
            orders.c.reservation_id,
        )
        .join(orders, orders.c.id == keys.c.order_id)
        .where(*(keys.c[name] == _text(name) for name in _KEY_COLUMNS), ~expired(keys))
    )


def _answer_key(order_id: Any, status: sa.ColumnElement[Any], body: Any) -> sa.CTE:
    """Store the first answer of the order's key; `key` null means that there is none."""
    keys = idempotency_keys
    return (
        sa.update(keys)
        .where(
            *(keys.c[name] == _text(name) for name in _KEY_COLUMNS),
            keys.c.order_id == order_id,
        )
        .values(
            status=status,
            headers=sa.cast(_text("answer_headers"), pg.JSON),
            body=body,
        )
        .cte("answered")
    )


def _confirm(*, keyed: bool) -> sa.Select[Any]:
    """Confirm a pending order with what reserve_stock answered; no row where it is not pending."""
    answer = sa.cast(_text("answer"), pg.JSON)
    confirmed = (
        sa.update(orders)
        .where(orders.c.id == _ID, orders.c.status == "pending")
        .values(
            status=sa.literal_column("'confirmed'"),
            items=answer.op("->", return_type=pg.JSON)(sa.literal_column("'items'")),
            total_price=sa.cast(
                answer.op("->>", return_type=sa.Text)(sa.literal_column("'total_price'")),
                sa.Numeric(12, 2),
            ),
            confirmed_at=sa.func.clock_timestamp(),
        )
        .returning(*orders.c)
        .cte("confirmed")
    )
    event = announce(
        outbox,
        OrderCreated,
        confirmed,
        aggregate_id=confirmed.c.id,
        order_id=confirmed.c.id,
        created_at=rfc3339(confirmed.c.created_at),
    )
    shown = sa.select(order_json(confirmed).label("document"), confirmed.c.id).cte("shown")
    statement = sa.select(shown.c.document).add_cte(event)
    if keyed:
        statement = statement.add_cte(
            _answer_key(
                sa.select(shown.c.id).scalar_subquery(),
                sa.literal_column("201"),
                sa.select(shown.c.document).scalar_subquery(),
            )
        )
    return statement


def _reject(*, keyed: bool) -> sa.Select[Any]:
    """Reject a pending order with the problem that its client is answered with."""
    rejected = (
        sa.update(orders)
        .where(orders.c.id == _ID, orders.c.status == "pending")
        .values(
            status=sa.literal_column("'rejected'"),
            rejection=sa.cast(_text("problem"), pg.JSON),
            rejected_at=sa.func.clock_timestamp(),
        )
        .returning(*orders.c)
        .cte("rejected")
    )
    event = announce(
        outbox,
        OrderRejected,
        rejected,
        aggregate_id=rejected.c.id,
        order_id=rejected.c.id,
        reason=_text("reason"),
        created_at=rfc3339(rejected.c.created_at),
    )
    statement = sa.select(rejected.c.id).add_cte(event)
    if keyed:
        status = sa.bindparam("answer_status", type_=sa.SmallInteger)
        answered = _answer_key(sa.select(rejected.c.id).scalar_subquery(), status, _text("problem"))
        statement = statement.add_cte(answered)
    return statement


def _cancelled(orders_to_cancel: sa.Update, by: sa.ColumnElement[str]) -> tuple[sa.CTE, sa.CTE]:
    """The cancelling UPDATE as a CTE, with its event."""
    cancelled = (
        orders_to_cancel.values(
            status=sa.literal_column("'cancelled'"),
            cancelled_at=sa.func.clock_timestamp(),
            cancelled_by=by,
        )
        .returning(*orders.c)
        .cte("cancelled")
    )
    event = announce(
        outbox,
        OrderCancelled,
        cancelled,
        aggregate_id=cancelled.c.id,
        order_id=cancelled.c.id,
        created_at=rfc3339(cancelled.c.created_at),
    )
    return cancelled, event


def _cancel() -> sa.Select[Any]:
    """Cancel one order that is pending or confirmed; no row where it is neither."""
    cancelled, event = _cancelled(
        sa.update(orders).where(
            orders.c.id == _ID,
            visible,
            orders.c.status.in_([sa.literal_column("'pending'"), sa.literal_column("'confirmed'")]),
        ),
        sa.case((orders.c.account == _ACCOUNT, _CUSTOMER), else_=_SYSTEM),
    )
    return sa.select(order_json(cancelled), cancelled.c.reservation_id).add_cte(event)


def _cancel_stuck() -> sa.Select[Any]:
    """Cancel a batch of orders that have been pending for too long; how many they were."""
    age = sa.func.make_interval(0, 0, 0, 0, 0, 0, sa.bindparam("stuck_seconds", type_=sa.Float))
    stuck = (
        sa.select(orders.c.id)
        .where(orders.c.status == "pending", orders.c.created_at < sa.func.now() - age)
        .order_by(orders.c.created_at)
        .limit(sa.bindparam("batch", type_=sa.Integer))
        .with_for_update(skip_locked=True)
        .cte("stuck")
    )
    cancelled, event = _cancelled(
        sa.update(orders).where(orders.c.id == stuck.c.id, orders.c.status == "pending"),
        _SYSTEM,
    )
    return sa.select(sa.func.count()).select_from(cancelled).add_cte(event)


def _unreleased() -> sa.Select[Any]:
    """The next cancelled orders, `after` an id, whose stock is not known to be released; locked."""
    return (
        sa.select(orders.c.id, orders.c.reservation_id)
        .where(orders.c.status == "cancelled", orders.c.released_at.is_(None))
        .where(orders.c.id > sa.bindparam("after", type_=sa.BigInteger))
        .order_by(orders.c.id)
        .limit(sa.bindparam("batch", type_=sa.Integer))
        .with_for_update(skip_locked=True)
    )


PLACE = Statement("place_order", _place())
PLACE_KEYED = Statement("place_order", _place_keyed())
RECALL = Statement("recall_order", _recall())
FORGET = Statement(
    "forget_key",
    sa.delete(idempotency_keys).where(
        *(idempotency_keys.c[name] == _text(name) for name in _KEY_COLUMNS),
        expired(idempotency_keys),
    ),
)
CONFIRM = Statement("confirm_order", _confirm(keyed=False))
CONFIRM_KEYED = Statement("confirm_order", _confirm(keyed=True))
REJECT = Statement("reject_order", _reject(keyed=False))
REJECT_KEYED = Statement("reject_order", _reject(keyed=True))
CANCEL = Statement("cancel_order", _cancel())
CANCEL_STUCK = Statement("cancel_stuck_orders", _cancel_stuck())
UNRELEASED = Statement("unreleased_orders", _unreleased())
RELEASED = Statement(
    "stamp_released",
    sa.update(orders)
    .where(
        orders.c.id == sa.any_(sa.bindparam("ids", type_=pg.ARRAY(sa.BigInteger))),
        orders.c.status == "cancelled",
        orders.c.released_at.is_(None),
    )
    .values(released_at=sa.func.clock_timestamp()),
)
STORED = Statement(
    "stored_order",
    sa.select(
        orders.c.status,
        order_json(orders),
        sa.cast(orders.c.rejection, sa.Text),
        orders.c.reservation_id,
        orders.c.released_at.is_not(None),
    ).where(orders.c.id == _ID),
)
