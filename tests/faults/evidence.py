"""Reads what a shop holds into a `History`."""

from collections.abc import Sequence
from typing import Any

from tests.faults.history import (
    Asked,
    Event,
    History,
    Lines,
    Order,
    Product,
    Record,
    Reservation,
)
from tests.support.live import Live
from tests.support.tables import Inventory, Orders, Tables
from tests.support.topics import Offsets
from tests.support.topics import Record as Stored


def history(running: Live, asked: Sequence[Asked], since: Offsets) -> History:
    """Everything of a shop whose databases were empty when its topics ended at `since`."""
    with running.tables() as (inventory, orders, notifications):
        return History(
            asked=asked,
            orders=_orders(orders),
            reservations=_reservations(inventory),
            products=_products(inventory),
            events=[*_events(inventory, "inventory-events"), *_events(orders, "order-events")],
            records=[
                _record(each)
                for each in running.topics.records(since)
                if each.topic != "dead-letters"
            ],
            notified=[row[0] for row in notifications.rows("SELECT event_id FROM notifications")],
            dead=[row[0] for row in notifications.rows("SELECT event_id FROM dead_letters")],
            tally=dict(orders.rows("SELECT type, published FROM published_tally")),
        )


def _orders(orders: Orders) -> list[Order]:
    rows = orders.rows(
        "SELECT o.id, o.reservation_id::text, o.status, o.items, o.confirmed_at IS NOT NULL,"
        " o.released_at IS NOT NULL, k.key FROM orders o"
        " LEFT JOIN idempotency_keys k ON k.order_id = o.id ORDER BY o.id"
    )
    return [Order(r[0], r[1], r[2], _lines(r[3]), r[4], r[5], r[6]) for r in rows]


def _reservations(inventory: Inventory) -> list[Reservation]:
    rows = inventory.rows("SELECT id::text, status, lines FROM reservations")
    return [Reservation(id_, status, _lines(lines)) for id_, status, lines in rows]


def _products(inventory: Inventory) -> list[Product]:
    rows = inventory.rows(
        "SELECT p.id, coalesce((SELECT change FROM stock_movements"
        " WHERE product_id = p.id AND reason = 'initial'), 0), p.stock, p.low_stock_threshold,"
        " coalesce((SELECT array_agg(change ORDER BY id) FROM stock_movements"
        " WHERE product_id = p.id), '{}') FROM products p ORDER BY p.id"
    )
    return [Product(r[0], r[1], r[2], r[3], tuple(r[4])) for r in rows]


def _events(tables: Tables, topic: str) -> list[Event]:
    rows = tables.rows(
        "SELECT position, id::text, type, aggregateid, published_at IS NOT NULL"
        " FROM outbox ORDER BY position"
    )
    return [Event(topic, *row) for row in rows]


def _record(stored: Stored) -> Record:
    content = repr((sorted(stored.attributes.items()), stored.value)).encode()
    key = (stored.key or b"").decode("utf-8", "replace")
    return Record(stored.topic, stored.partition, stored.offset, key, stored.id, content)


def _lines(items: list[dict[str, Any]]) -> Lines:
    return tuple((item["product_id"], item["quantity"]) for item in items)
