import time
from functools import partial
from typing import LiteralString

import psycopg
import pytest

from relay import readings
from shop.chores import Chore
from shop.settings import Settings
from shop.telemetry import Telemetry
from tests.support.readings import Observed
from tests.support.tables import Inventory, Orders


def observed(area: str, url: str, **settings: str) -> Observed:
    make = partial(_chores, area, Settings(settings))
    return Observed(make, area, url)


def _chores(area: str, settings: Settings, telemetry: Telemetry) -> list[Chore]:
    return readings.chores(area, telemetry, settings)


def event(tables: Inventory | Orders, name: str, *, published: bool = False) -> None:
    tables.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, created_at, published_at)"
        " VALUES ('x', '1', %s, '{}', now() - interval '60 s', CASE WHEN %s THEN now() END)",
        f"com.shophub.{name}.v1", published,
    )  # fmt: skip


def test_the_catalogue_is_counted_and_its_stock_is_shown(inventory: Inventory) -> None:
    inventory.add("Full", stock=100, threshold=10)
    inventory.add("At", stock=10, threshold=10)
    inventory.add("None", stock=0, threshold=10)
    gone = inventory.add("Gone", stock=3, threshold=10)
    inventory.run("UPDATE products SET deleted_at = now() WHERE id = %s", gone)
    shown = observed("inventory", inventory.url)

    shown.run()

    assert shown.value("inventory_products") == 3
    assert shown.value("inventory_low_stock_products") == 2
    assert shown.values("inventory_stock_levels", "product") == {"Full": 100, "At": 10, "None": 0}
    assert shown.values("inventory_stock_levels", "product_id") == {"1": 100, "2": 10, "3": 0}


def test_of_many_products_those_nearest_to_their_threshold_are_shown(inventory: Inventory) -> None:
    inventory.run(
        "INSERT INTO products (name, price, stock, low_stock_threshold)"
        " SELECT 'P' || i, 1, i, 500 FROM generate_series(1, 2000) i"
    )
    shown = observed("inventory", inventory.url)

    shown.run()

    levels = shown.values("inventory_stock_levels", "product_id")
    assert len(levels) == 500
    assert (min(levels.values()), max(levels.values())) == (250, 749)


def test_levels_are_read_anew_between_two_scans(inventory: Inventory) -> None:
    inventory.add("Lamp", stock=5)
    shown = observed("inventory", inventory.url)
    shown.run()

    inventory.run("UPDATE products SET stock = 4")
    shown.run("stock levels")

    assert shown.values("inventory_stock_levels", "product") == {"Lamp": 4}


def test_products_whose_ledger_differs_are_counted(inventory: Inventory) -> None:
    for name in ("Right", "Wrong", "Unledgered"):
        inventory.add(name, stock=5)
    inventory.run("UPDATE products SET stock = 6 WHERE name = 'Wrong'")
    inventory.run("DELETE FROM stock_movements WHERE product_id = 3")
    shown = observed("inventory", inventory.url)

    shown.run()

    assert shown.value("inventory_ledger_differences") == 2


@pytest.mark.parametrize("area", ["inventory", "orders"])
def test_the_backlog_and_its_age_are_read(area: str, inventory: Inventory, orders: Orders) -> None:
    tables: Inventory | Orders = inventory if area == "inventory" else orders
    prefix = "inventory" if area == "inventory" else "order"
    shown = observed(area, tables.url)
    shown.run()
    assert shown.value(f"{prefix}_outbox_backlog") == 0
    assert shown.value(f"{prefix}_outbox_oldest_age") == 0

    event(tables, "product.created")
    event(tables, "product.created", published=True)
    shown.run()

    assert shown.value(f"{prefix}_outbox_backlog") == 1
    assert 60 <= shown.value(f"{prefix}_outbox_oldest_age") < 90


def test_orders_are_counted_whether_their_events_are_published_or_wait(orders: Orders) -> None:
    orders.run("INSERT INTO published_tally VALUES ('com.shophub.order.created.v1', 40)")
    for _ in range(2):
        event(orders, "order.created")
    event(orders, "order.cancelled")
    event(orders, "order.created", published=True)
    shown = observed("orders", orders.url)

    shown.run()

    assert shown.values("order_orders", "status") == {
        "confirmed": 42,
        "rejected": 0,
        "cancelled": 1,
    }


def test_orders_that_are_stuck_are_counted(orders: Orders) -> None:
    orders.run(
        "INSERT INTO orders (reservation_id, items) SELECT gen_random_uuid(), '[]'"
        " FROM generate_series(1, 4)"
    )
    shown = observed("orders", orders.url)
    shown.run()
    assert shown.value("order_stuck_orders") == 0

    orders.run("UPDATE orders SET created_at = now() - interval '31 s' WHERE id <= 2")
    orders.run(
        "UPDATE orders SET status = 'cancelled', cancelled_by = 'customer', cancelled_at = now()"
        " WHERE id = 3"
    )
    shown.run()

    assert shown.value("order_stuck_orders") == 3
    patient = observed("orders", orders.url, ORDER_STUCK_SECONDS="60")
    patient.run()
    assert patient.value("order_stuck_orders") == 1


def test_what_was_read_is_forgotten_where_the_database_is_lost(inventory: Inventory) -> None:
    shown = observed("inventory", inventory.url)
    shown.run()

    shown.chores["backlog"].forget()

    assert shown.values("inventory_products", "x") == {}


def test_what_has_had_its_time_is_deleted_and_nothing_else(inventory: Inventory) -> None:
    for _ in range(3):
        event(inventory, "product.created", published=True)
        event(inventory, "product.created")
    inventory.run(
        "UPDATE outbox SET published_at = now() - interval '3 hours' WHERE position IN (1, 5)"
    )
    for key, age in (("old", "25 hours"), ("young", "23 hours")):
        inventory.run(
            "INSERT INTO idempotency_keys (account, route, key, fingerprint, created_at)"
            " VALUES ('', '', %s, '', now() - %s::interval)",
            key, age,
        )  # fmt: skip

    shown = observed("inventory", inventory.url, OUTBOX_RETENTION="2")
    shown.run()

    assert inventory.rows("SELECT position FROM outbox ORDER BY position") == [
        (2,), (3,), (4,), (6,),
    ]  # fmt: skip
    assert inventory.rows("SELECT key FROM idempotency_keys") == [("young",)]
    assert shown.counted("inventory_pruned_rows", "table") == {"outbox": 2, "idempotency_keys": 1}
    assert shown.values("inventory_pruning_overdue", "table") == {
        "outbox": 0,
        "idempotency_keys": 0,
    }


def old_events(inventory: Inventory, number: int, *, published: bool) -> None:
    inventory.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, created_at, published_at)"
        " SELECT 'x', '1', 'x', '{}', t, CASE WHEN %s THEN t END"
        " FROM (SELECT now() - interval '8 days' AS t FROM generate_series(1, %s))",
        published, number,
    )  # fmt: skip


def test_more_than_a_batch_is_deleted_in_one_run(inventory: Inventory) -> None:
    old_events(inventory, 2500, published=True)

    observed("inventory", inventory.url).run("prune outbox")

    assert inventory.value("SELECT count(*) FROM outbox") == 0


def test_old_events_that_wait_do_not_keep_the_published_ones_behind_them(
    inventory: Inventory,
) -> None:
    old_events(inventory, 1500, published=False)
    old_events(inventory, 1500, published=True)

    observed("inventory", inventory.url).run("prune outbox")

    assert inventory.value("SELECT count(*) FROM outbox") == 1500
    assert inventory.value("SELECT count(published_at) FROM outbox") == 0


def test_a_run_that_does_not_come_to_the_end_says_how_far_it_lies_behind(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.pruning._MOST_BATCHES", 1)
    old_events(inventory, 1500, published=True)
    shown = observed("inventory", inventory.url)

    shown.run("prune outbox")
    overdue = shown.values("inventory_pruning_overdue", "table")["outbox"]
    shown.run("prune outbox")

    assert 86_400 <= overdue < 86_400 + 60
    assert shown.values("inventory_pruning_overdue", "table") == {"outbox": 0}
    assert shown.counted("inventory_pruned_rows", "table")["outbox"] == 1500


def test_a_key_that_somebody_works_with_is_left_to_the_next_run(inventory: Inventory) -> None:
    inventory.run(
        "INSERT INTO idempotency_keys (account, route, key, fingerprint, created_at)"
        " SELECT '', '', i::text, '', now() - interval '25 hours' FROM generate_series(1, 3) i"
    )
    shown = observed("inventory", inventory.url)

    with psycopg.connect(inventory.url) as other:
        other.execute("SELECT FROM idempotency_keys WHERE key = '2' FOR UPDATE")
        shown.run("prune idempotency_keys")
        assert inventory.rows("SELECT key FROM idempotency_keys") == [("2",)]
    shown.run("prune idempotency_keys")

    assert inventory.rows("SELECT key FROM idempotency_keys") == []


@pytest.mark.parametrize("area", ["inventory", "orders"])
def test_pruning_reads_no_more_of_a_long_table_than_it_deletes(
    area: str, inventory: Inventory, orders: Orders
) -> None:
    tables: Inventory | Orders = inventory if area == "inventory" else orders
    tables.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, published_at)"
        " SELECT 'x', '1', 'x', '{}', now() FROM generate_series(1, 20000)"
    )
    tables.run(
        "INSERT INTO idempotency_keys (account, route, key, fingerprint)"
        " SELECT '', '', i::text, '' FROM generate_series(1, 20000) i"
    )
    tables.run("ANALYZE outbox, idempotency_keys")
    read = "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_user_tables"
    before = settled_value(tables, read)

    observed(area, tables.url).run("prune outbox", "prune idempotency_keys")

    assert settled_value(tables, read) - before <= 1_100


def settled_value(tables: Inventory | Orders, query: LiteralString) -> int:
    """A statistic, once other sessions have told what they did: they do so when they end."""
    tables.run("SELECT pg_stat_force_next_flush()")
    last, value = -1, tables.value(query)
    while value != last:
        time.sleep(0.05)
        last, value = value, tables.value(query)
    return int(value)
