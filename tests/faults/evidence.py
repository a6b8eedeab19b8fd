"""Reads what a shop holds into a `History`."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.faults.history import (
    Event,
    History,
    Lines,
    Movement,
    Order,
    Product,
    Record,
    Reservation,
)
from tests.faults.seen import Seen
from tests.faults.target import Target
from tests.support.tables import Inventory, Orders, Tables
from tests.support.topics import Offsets
from tests.support.topics import Record as Stored


def history(target: Target, seen: Seen, since: Offsets, poison: Sequence[str]) -> History:
    """Everything of a shop whose databases were empty when its topics ended at `since`."""
    records = target.topics.records(since)
    with target.tables() as (inventory, orders, notifications):
        told = notifications.rows("SELECT event_id, type FROM notifications")
        return History(
            asked=seen.asked,
            edits=seen.edits,
            sights=seen.sights,
            order_sights=seen.order_sights,
            pages=seen.pages,
            orders=_orders(orders),
            reservations=_reservations(inventory),
            products=_products(inventory),
            events=[*_events(inventory, "inventory-events"), *_events(orders, "order-events")],
            records=[_record(each) for each in records if each.topic != "dead-letters"],
            notified=[row[0] for row in told],
            dead=_dead(notifications),
            poison=poison,
            tally=dict(orders.rows("SELECT type, published FROM published_tally")),
            notified_types=Counter(row[1] for row in told),
            delivered=dict(notifications.rows("SELECT type, delivered FROM delivered_tally")),
        )


def _orders(orders: Orders) -> list[Order]:
    rows = orders.rows(
        "SELECT o.id, o.reservation_id::text, o.status, o.items, o.confirmed_at IS NOT NULL,"
        " o.released_at IS NOT NULL, k.key, o.total_price FROM orders o"
        " LEFT JOIN idempotency_keys k ON k.order_id = o.id ORDER BY o.id"
    )
    return [
        Order(r[0], r[1], r[2], _lines(r[3]), r[4], r[5], r[6], _prices(r[3]), r[7]) for r in rows
    ]


def _reservations(inventory: Inventory) -> list[Reservation]:
    rows = inventory.rows("SELECT id::text, status, lines FROM reservations")
    return [Reservation(id_, status, _lines(lines)) for id_, status, lines in rows]


def _products(inventory: Inventory) -> list[Product]:
    movements: dict[int, list[Movement]] = {}
    for product_id, *movement in inventory.rows(
        "SELECT product_id, change, reason, reservation_id::text FROM stock_movements ORDER BY id"
    ):
        movements.setdefault(product_id, []).append(Movement(*movement))
    rows = inventory.rows(
        "SELECT id, stock, low_stock_threshold, price, version, deleted_at IS NOT NULL"
        " FROM products ORDER BY id"
    )
    return [Product(r[0], r[1], r[2], tuple(movements.get(r[0], ())), *r[3:]) for r in rows]


def _events(tables: Tables, topic: str) -> list[Event]:
    rows = tables.rows(
        "SELECT position, id::text, type, aggregateid, published_at IS NOT NULL, payload"
        " FROM outbox ORDER BY position"
    )
    return [Event(topic, *row) for row in rows]


def _dead(notifications: Tables) -> list[str]:
    """Ids; those that KafkaSource has made of a record's place, with the topic in front."""
    rows = notifications.rows("SELECT source, event_id FROM dead_letters")
    return [
        f"{source.rpartition('#')[2]}/{event_id}" if event_id.startswith("partition:") else event_id
        for source, event_id in rows
    ]


def _record(stored: Stored) -> Record:
    content = repr((sorted(stored.attributes.items()), stored.value)).encode()
    key = (stored.key or b"").decode("utf-8", "replace")
    place = f"{stored.topic}/partition:{stored.partition}/offset:{stored.offset}"
    return Record(stored.topic, stored.partition, stored.offset, key, stored.id or place, content)


def _lines(items: list[dict[str, Any]]) -> Lines:
    return tuple((item["product_id"], item["quantity"]) for item in items)


def _prices(items: list[dict[str, Any]]) -> tuple[Decimal, ...]:
    """None where the order was never confirmed; two decimals survive a float's repr."""
    return tuple(Decimal(str(item["unit_price"])) for item in items if "unit_price" in item)
