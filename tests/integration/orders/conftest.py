"""What stands between the orders' functions and the inventory's."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.support.faults import Gate, Process
from tests.support.shop import Shop


@pytest.fixture
async def reserve_gate(shop: Shop) -> AsyncIterator[Gate]:
    """A gate in front of reserve_stock."""
    async with Gate(shop["reserve_stock"].address).open() as gate:
        yield gate


@pytest.fixture
async def release_gate(shop: Shop) -> AsyncIterator[Gate]:
    """A gate in front of release_stock."""
    async with Gate(shop["release_stock"].address).open() as gate:
        yield gate


@pytest.fixture
def process(shop: Shop) -> Iterator[Callable[..., Process]]:
    """Starts a function as a process: `process(name, SETTING="…")`; it is ended with the test."""
    started = []

    def start(name: str, **settings: str) -> Process:
        started.append(Process(name, shop.settings_of(name, **settings)))
        return started[-1]

    yield start
    for each in started:
        each.close()
