"""What the database's failures are taken for, and that connections it ends are replaced."""

import asyncio

import psycopg
import pytest
import sqlalchemy as sa

from shop.database import Database, Statement
from tests.support.shop import Api
from tests.support.tables import Inventory, Orders, Tables

TOO_LARGE = Statement("too_large", sa.text("SELECT array_fill(1, '{99999,99999}'::int[])"))


def end_connections(tables: Tables, function: str) -> int:
    """End the connections of a function, as a restart of the server does; how many they were."""
    return tables.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
        f"shop-{function}",
    )


async def test_a_function_replaces_idle_connections_that_the_server_has_ended(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    product = inventory.add(stock=100)
    answers = await asyncio.gather(*(api.order(product) for _ in range(20)))
    assert {answer.status for answer in answers} == {201}

    for _ in range(2):
        assert end_connections(orders, "create_order") > 0
        answers = await asyncio.gather(*(api.order(product) for _ in range(8)))
        assert {answer.status for answer in answers} <= {201, 503}
        # Whatever was met on the way, the next order finds a connection that works.
        assert (await api.order(product)).status == 201


async def test_what_is_too_large_for_the_database_is_not_taken_for_an_outage(
    inventory: Inventory,
) -> None:
    """Whoever is told that the database is away repeats it, and what is beside it with it."""
    database = Database(inventory.url, function="test", record=lambda _seconds, _labels: None)
    await database.open()
    try:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            await database.row(TOO_LARGE)
    finally:
        await database.close()
