"""What the inventory's and the orders' databases know, read for the metrics."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from relay.pruning import pruning
from shop.chores import Chore
from shop.connection import Connection
from shop.database import Statement
from shop.events import OrderCancelled, OrderCreated, OrderRejected
from shop.model import inventory, orders
from shop.settings import Settings
from shop.shelf import Shelf
from shop.telemetry import Telemetry

# Shares of one core. What reads the whole catalogue comes round less often as it grows.
_OF_SCANS = 0.005
_STOCK_LEVELS = 500
_STATUS = {
    OrderCreated.type(): "confirmed",
    OrderRejected.type(): "rejected",
    OrderCancelled.type(): "cancelled",
}

_products = inventory.products
_movements = inventory.stock_movements
_orders = orders.orders


def chores(area: str, telemetry: Telemetry, settings: Settings) -> list[Chore]:
    """What the area's relay reads and prunes beside publishing."""
    if area == "orders":
        return [
            *_of_orders(telemetry, settings),
            *pruning(area, orders.outbox, orders.idempotency_keys, telemetry, settings),
        ]
    return [
        *_of_inventory(telemetry),
        *pruning(area, inventory.outbox, inventory.idempotency_keys, telemetry, settings),
    ]


def _backlog(name: str, table: sa.Table) -> Statement:
    age = sa.func.clock_timestamp() - sa.func.min(table.c.created_at)
    return Statement(
        name,
        sa.select(sa.func.count(), sa.func.coalesce(sa.extract("epoch", age), 0)).where(
            table.c.published_at.is_(None)
        ),
    )


def _outbox_chore(prefix: str, table: sa.Table, shelf: Shelf) -> Chore:
    statement = _backlog("backlog", table)

    def read(connection: Connection) -> None:
        backlog, age = connection.row(statement) or (0, 0)
        shelf.value(f"{prefix}_outbox_backlog", backlog)
        shelf.value(f"{prefix}_outbox_oldest_age", max(0.0, float(age)))

    return Chore("backlog", 5.0, read, forget=shelf.clear)


_COUNTS = Statement(
    "catalogue_counts",
    sa.select(
        sa.func.count(),
        sa.func.count().filter(_products.c.stock <= _products.c.low_stock_threshold),
    ).where(inventory.alive),
)
_distance = _products.c.stock - _products.c.low_stock_threshold
_NEAREST = Statement(
    "nearest_threshold",
    sa.select(_products.c.id)
    .where(inventory.alive)
    .order_by(sa.func.abs(_distance), _distance, _products.c.id)
    .limit(_STOCK_LEVELS),
)
_LEVELS = Statement(
    "stock_levels",
    sa.select(_products.c.id, _products.c.name, _products.c.stock).where(
        _products.c.id == sa.any_(sa.bindparam("ids", type_=pg.ARRAY(sa.BigInteger))),
        inventory.alive,
    ),
)
_sums = (
    sa.select(_movements.c.product_id, sa.func.sum(_movements.c.change).label("total"))
    .group_by(_movements.c.product_id)
    .subquery("sums")
)
_DIFFERENCES = Statement(
    "ledger_differences",
    sa.select(sa.func.count())
    .select_from(_products.outerjoin(_sums, _sums.c.product_id == _products.c.id))
    .where(_products.c.stock != sa.func.coalesce(_sums.c.total, 0)),
)


def _of_inventory(telemetry: Telemetry) -> list[Chore]:
    shelf = Shelf(
        telemetry,
        "inventory_stock_levels",
        "inventory_products",
        "inventory_low_stock_products",
        "inventory_ledger_differences",
        "inventory_outbox_backlog",
        "inventory_outbox_oldest_age",
    )
    nearest: list[int] = []

    def scan(connection: Connection) -> None:
        products, low = connection.row(_COUNTS) or (0, 0)
        shelf.value("inventory_products", products)
        shelf.value("inventory_low_stock_products", low)
        nearest[:] = [row[0] for row in connection.rows(_NEAREST)]

    def levels(connection: Connection) -> None:
        shelf.put(
            "inventory_stock_levels",
            [
                (stock, {"product_id": str(product_id), "product": name})
                for product_id, name, stock in connection.rows(_LEVELS, ids=nearest)
            ],
        )

    def differences(connection: Connection) -> None:
        (number,) = connection.row(_DIFFERENCES) or (0,)
        shelf.value("inventory_ledger_differences", number)

    return [
        _outbox_chore("inventory", inventory.outbox, shelf),
        Chore("catalogue", 10.0, scan, share=_OF_SCANS),
        Chore("stock levels", 10.0, levels),
        Chore("ledger", 60.0, differences, share=_OF_SCANS),
    ]


_tally = orders.published_tally
_reached = sa.union_all(
    sa.select(_tally.c.type, _tally.c.published.label("number")),
    sa.select(orders.outbox.c.type, sa.func.count().label("number"))
    .where(orders.outbox.c.published_at.is_(None))
    .group_by(orders.outbox.c.type),
).subquery("reached")
# One statement, hence one snapshot: an event is in the tally or unpublished, never both.
_REACHED = Statement(
    "orders_by_status",
    sa.select(_reached.c.type, sa.cast(sa.func.sum(_reached.c.number), sa.BigInteger)).group_by(
        _reached.c.type
    ),
)
_age = sa.func.make_interval(0, 0, 0, 0, 0, 0, sa.bindparam("stuck_seconds", type_=sa.Float))
_STUCK = Statement(
    "stuck_orders",
    sa.select(sa.func.count())
    .select_from(_orders)
    .where(
        sa.or_(
            sa.and_(
                _orders.c.status == sa.literal_column("'pending'"),
                _orders.c.created_at < sa.func.clock_timestamp() - _age,
            ),
            sa.and_(
                _orders.c.status == sa.literal_column("'cancelled'"),
                _orders.c.released_at.is_(None),
            ),
        )
    ),
)


def _of_orders(telemetry: Telemetry, settings: Settings) -> list[Chore]:
    stuck_seconds = settings.seconds("ORDER_STUCK_SECONDS", orders.ORDER_STUCK_SECONDS)
    shelf = Shelf(
        telemetry,
        "order_orders",
        "order_stuck_orders",
        "order_outbox_backlog",
        "order_outbox_oldest_age",
    )

    def reached(connection: Connection) -> None:
        numbers = {row[0]: row[1] for row in connection.rows(_REACHED)}
        shelf.put(
            "order_orders",
            [(numbers.get(type_, 0), {"status": status}) for type_, status in _STATUS.items()],
        )

    def stuck(connection: Connection) -> None:
        (number,) = connection.row(_STUCK, stuck_seconds=stuck_seconds) or (0,)
        shelf.value("order_stuck_orders", number)

    return [
        _outbox_chore("order", orders.outbox, shelf),
        Chore("orders by status", 5.0, reached),
        Chore("stuck orders", 5.0, stuck),
    ]
