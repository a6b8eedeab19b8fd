"""A gateway that ends, seen by the connections that it has."""

import asyncio
import time

from tests.integration.gateway.conftest import StartGateway
from tests.support.functions import Host
from tests.support.raw import request, send

ONE = request("GET /api/products HTTP/1.1")


async def test_a_connection_in_use_has_its_next_request_answered_and_is_told_that_it_is_the_last(
    start_gateway: StartGateway,
) -> None:
    function = start_gateway()
    using = asyncio.create_task(send(function.address, ONE, ONE, pause=0.35, wait=2.0))
    await asyncio.sleep(0.05)

    function.server.should_exit = True
    received = await using

    assert (received.statuses, received.closed) == ([200, 200], True)
    first, last = received.data.lower().split(b"http/1.1 200")[1:]
    assert b"connection: close" not in first
    assert b"connection: close" in last


async def test_a_request_of_which_a_part_is_there_is_waited_for(
    start_gateway: StartGateway,
) -> None:
    function = start_gateway()
    using = asyncio.create_task(send(function.address, ONE[:20], ONE[20:], pause=1.2, wait=2.0))
    await asyncio.sleep(0.05)

    function.server.should_exit = True
    received = await using

    assert (received.statuses, received.closed) == ([200], True)


async def test_a_connection_that_nobody_uses_is_closed_and_holds_up_nothing(
    start_gateway: StartGateway, host: Host
) -> None:
    function = start_gateway()
    using = asyncio.create_task(send(function.address, ONE, wait=5.0))
    await asyncio.sleep(0.05)
    began = time.monotonic()

    await asyncio.to_thread(host.stop, function)
    received = await using

    assert (received.statuses, received.closed) == ([200], True)
    assert time.monotonic() - began < 3.0
