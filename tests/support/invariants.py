"""What is true of the shop's two databases whatever happened to its processes."""

from collections import Counter

from tests.support.tables import Inventory, Orders


def hold_always(inventory: Inventory, orders: Orders) -> None:
    """What holds at any moment, also between two steps of a saga."""
    assert inventory.value("SELECT count(*) FROM products WHERE stock < 0") == 0
    assert inventory.differences() == []
    reservations = dict(inventory.rows("SELECT id, status FROM reservations"))
    for order_id, status, reservation_id, released in orders.rows(
        "SELECT id, status, reservation_id, released_at IS NOT NULL FROM orders"
    ):
        held = reservations.get(reservation_id)
        if status == "confirmed":
            assert held == "held", f"order {order_id} is confirmed, its reservation {held}"
        if status == "rejected":
            assert held == "refused", f"order {order_id} is rejected, its reservation {held}"
        if released:
            assert held != "held", f"order {order_id} is released, its reservation held"
    _assert_sold(inventory)
    _assert_warned(inventory)
    _assert_told(orders)


def hold_when_settled(inventory: Inventory, orders: Orders) -> None:
    """What holds besides once every saga has come to its end."""
    hold_always(inventory, orders)
    assert orders.value("SELECT count(*) FROM orders WHERE status = 'pending'") == 0
    unreleased = "SELECT count(*) FROM orders WHERE status = 'cancelled' AND released_at IS NULL"
    assert orders.value(unreleased) == 0
    held = inventory.rows("SELECT id, lines FROM reservations WHERE status = 'held'")
    confirmed = orders.rows("SELECT reservation_id, items FROM orders WHERE status = 'confirmed'")
    assert {key: _pieces(lines) for key, lines in held} == {
        key: _pieces(items) for key, items in confirmed
    }


def _pieces(lines: list[dict[str, int]]) -> Counter[int]:
    found: Counter[int] = Counter()
    for line in lines:
        found[line["product_id"]] += line["quantity"]
    return found


def _assert_sold(inventory: Inventory) -> None:
    """What is missing from the stock is what reservations hold, product by product."""
    # One statement, so one snapshot: a call that was cut off may still be at work meanwhile.
    rows = inventory.rows(
        "SELECT lines, NULL::bigint, NULL::numeric FROM reservations WHERE status = 'held'"
        " UNION ALL SELECT NULL, product_id, -sum(change) FROM stock_movements"
        " WHERE reason IN ('sale', 'release') GROUP BY product_id HAVING sum(change) <> 0"
    )
    held: Counter[int] = Counter()
    for lines, _, _ in rows:
        if lines is not None:
            held += _pieces(lines)
    moved = [(product_id, pieces) for lines, product_id, pieces in rows if lines is None]
    assert {product_id: int(pieces) for product_id, pieces in moved} == dict(held)


def _assert_warned(inventory: Inventory) -> None:
    """Low stock was told of once for each time that it was crossed, going down.

    It reads the crossings from the ledger, so thresholds must not have changed meanwhile.
    """
    crossings = inventory.rows(
        "SELECT product_id, count(*) FROM (SELECT product_id, change,"
        " sum(change) OVER (PARTITION BY product_id ORDER BY id) AS stock FROM stock_movements) m"
        " JOIN products p ON p.id = product_id"
        " WHERE m.stock <= low_stock_threshold AND m.stock - change > low_stock_threshold"
        " GROUP BY product_id"
    )
    told = Counter(data["product_id"] for _, _, data in inventory.events("product.stock_low"))
    assert dict(crossings) == dict(told)


def _assert_told(orders: Orders) -> None:
    """Each order has told of every status that it reached, once."""
    told: dict[int, Counter[str]] = {}
    for name, _, data in orders.events():
        told.setdefault(data["order_id"], Counter())[name] += 1
    for order_id, status, was_confirmed in orders.rows(
        "SELECT id, status, confirmed_at IS NOT NULL FROM orders"
    ):
        expected: Counter[str] = Counter()
        if was_confirmed:
            expected["order.created"] = 1
        if status == "rejected":
            expected["order.rejected"] = 1
        if status == "cancelled":
            expected["order.cancelled"] = 1
        assert told.get(order_id, Counter()) == expected, f"order {order_id} is {status}"
