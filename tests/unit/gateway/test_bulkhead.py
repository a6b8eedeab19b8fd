import asyncio

import pytest

from shop.errors import DependencyDown
from shop.gateway.bulkhead import Bulkhead, Room


async def test_beyond_its_places_and_its_queue_nobody_waits() -> None:
    bulkhead = Bulkhead(Room(in_flight=2, queued=1))
    await bulkhead.enter(1)
    await bulkhead.enter(1)
    waiting = asyncio.create_task(bulkhead.enter(1))
    await asyncio.sleep(0)

    with pytest.raises(DependencyDown):
        await bulkhead.enter(1)
    assert (bulkhead.in_flight, bulkhead.queued) == (2, 1)

    bulkhead.leave()
    await waiting
    assert (bulkhead.in_flight, bulkhead.queued) == (2, 0)


async def test_a_place_is_waited_for_no_longer_than_told() -> None:
    bulkhead = Bulkhead(Room(in_flight=1, queued=1))
    await bulkhead.enter(1)

    with pytest.raises(DependencyDown):
        await bulkhead.enter(0.01)

    bulkhead.leave()
    await bulkhead.enter(0.01)
    assert (bulkhead.in_flight, bulkhead.queued) == (1, 0)


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    bulkhead = Bulkhead(Room(in_flight=1, queued=5))
    await bulkhead.enter(1)
    waiting = [asyncio.create_task(bulkhead.enter(9)) for _ in range(5)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    bulkhead.leave()
    assert (bulkhead.in_flight, bulkhead.queued) == (0, 0)
    await bulkhead.enter(0.01)
