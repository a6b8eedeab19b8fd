"""What nobody waits for any more is given up, down to the statement in the database."""

import asyncio
import time

import psycopg
from aiohttp import web

from shop.deadlines import header
from tests.support.faults import Forward, Gate
from tests.support.invariants import hold_always
from tests.support.postgres import Server
from tests.support.shop import Api, Shop
from tests.support.tables import Inventory, Orders

ORDER = {"product_id": 1, "quantity": 2}
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def test_a_request_whose_time_is_over_is_not_begun(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add("Laptop", stock=5)

    answer = await api.post("/orders", ORDER, headers=header(-1))

    assert (answer.status, answer.problem) == (504, "deadline-passed")
    assert orders.statuses() == {}


async def test_a_statement_that_waits_for_a_lock_is_cancelled(
    api: Api, inventory: Inventory, orders: Orders, database_server: Server
) -> None:
    inventory.add("Laptop", stock=5)
    async with await psycopg.AsyncConnection.connect(database_server.urls["inventory"]) as other:
        await other.execute("SELECT 1 FROM products FOR UPDATE")
        began = time.monotonic()

        answer = await api.post("/orders", ORDER, headers=header(0.6), key="k")

        waited = time.monotonic() - began
        # The order's function may answer just before the inventory's has called its own off; the
        # lock is still held, and without a deadline it would be waited for some seconds more.
        while inventory.value(WAITING) and time.monotonic() - began < 1.5:
            await asyncio.sleep(0.02)
        waiting = inventory.value(WAITING)
        await other.rollback()

    assert answer.status in (503, 504)
    assert (waited < 1.5, waiting) == (True, 0)
    assert inventory.value("SELECT stock FROM products") == 5
    assert (await api.post("/orders", ORDER, key="k")).status == 201
    hold_always(inventory, orders)


async def test_what_is_left_bounds_the_call_within_a_call(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, reserve_gate: Gate
) -> None:
    shop.replace("create_order", RESERVE_STOCK_URL=reserve_gate.address)
    inventory.add("Laptop", stock=5)

    async def slow(forward: Forward) -> web.Response:
        await asyncio.sleep(2)
        return await forward()

    reserve_gate.script = slow
    began = time.monotonic()

    answer = await api.post("/orders", ORDER, headers=header(0.5))

    assert (answer.status, answer.problem) == (503, "unavailable")
    assert time.monotonic() - began < 1.0
    assert orders.statuses() == {"pending": 1}


async def test_statements_are_prepared_again_after_one_was_called_off(
    api: Api, inventory: Inventory
) -> None:
    """A name that was taken while its statement was called off is not used for another."""
    inventory.add("Laptop", stock=5)
    for seconds in (0.001, 0.002, 0.004, 0.008, 0.016, 0.03):
        for path in ("/products", "/products/1", "/categories", "/products?q=lap&sort=price"):
            assert (await api.get(path, headers=header(seconds))).status in (200, 504)

    assert (await api.get("/products/1")).status == 200
    assert (await api.get("/products?q=lap&sort=price")).status == 200
    assert inventory.value("SELECT count(*) FROM products") == 1
