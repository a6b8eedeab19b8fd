"""What the database's failures are taken for, and that connections it ends are replaced."""

import asyncio
import time

import psycopg
import pytest
import sqlalchemy as sa

from shop.database import Database, Statement
from shop.errors import DependencyDown
from tests.faults.links import Link
from tests.support.shop import Api
from tests.support.tables import Inventory, Orders, Tables

ONE = Statement("one", sa.text("SELECT 1"))
SLEEP = Statement("sleep", sa.text("SELECT pg_sleep(0.3)"))
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


async def test_one_request_gets_past_all_connections_that_a_restart_has_left_behind(
    inventory: Inventory,
) -> None:
    """A breaker lets no more than one through, and takes its failure for that of the service."""
    database = Database(inventory.url, function="left", record=lambda _seconds, _labels: None)
    await database.open()
    try:
        await asyncio.gather(*(database.one(SLEEP) for _ in range(8)))
        assert end_connections(inventory, "left") == 8
        await asyncio.sleep(0.2)
        assert await database.one(ONE) == (1,)
    finally:
        await database.close()


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


async def test_a_server_that_was_away_is_found_again_soon(inventory: Inventory) -> None:
    """Not when a pause is over that grew while it was away."""
    parts = psycopg.conninfo.conninfo_to_dict(inventory.url)
    link = Link("test>postgres", 0, int(str(parts["port"])), holds=False)
    server = await asyncio.start_server(link.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = psycopg.conninfo.make_conninfo("", **(parts | {"host": "127.0.0.1", "port": port}))
    database = Database(url, function="test", record=lambda _seconds, _labels: None)

    async def answers() -> bool:
        try:
            await database.one(ONE)
        except DependencyDown:
            return False
        return True

    await database.open()
    try:
        assert await answers()
        server.close()
        link.cut()
        gone = time.monotonic()
        while time.monotonic() < gone + 3.5:
            assert not await answers()
        server = await asyncio.start_server(link.accept, "127.0.0.1", port)
        back = time.monotonic()
        while not await answers():
            pass
        assert time.monotonic() < back + 2.0
    finally:
        await database.close()
        server.close()
        link.cut()
