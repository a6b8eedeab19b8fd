"""Connections that PostgreSQL ends are replaced, without anybody noticing."""

import asyncio

from tests.support.shop import Api
from tests.support.tables import Inventory, Orders, Tables


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
