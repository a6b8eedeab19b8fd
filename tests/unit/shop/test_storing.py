"""Events that come while a statement is on its way are stored together with the next one."""

import asyncio
import json
from typing import Any, cast

import pytest

from shop.database import Database, Statement
from shop.errors import DependencyDown
from shop.storing import STORE, Storing


class Table:
    """Stands in for the database: it knows keys, takes its time, and may fail."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.statements: list[list[str]] = []
        self.poison = ""
        self.down = False

    async def rows(self, _: Statement, *, events: str) -> list[tuple[int]]:
        batch: list[dict[str, Any]] = json.loads(events)
        self.statements.append([event["event_id"] for event in batch])
        await asyncio.sleep(0.01)
        if self.down:
            raise DependencyDown("down")
        if any(event["event_id"] == self.poison for event in batch):
            raise LookupError("poison")
        fresh = [(e["place"],) for e in batch if e["event_id"] not in self.known]
        self.known |= {event["event_id"] for event in batch}
        return fresh


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def storing(table: Table) -> Storing:
    return Storing(cast("Database", table), STORE)


def told(event_id: str) -> dict[str, str | None]:
    return {"consumer": "notify_order", "source": "/shophub/orders", "event_id": event_id}


async def store(storing: Storing, *ids: str) -> list[Any]:
    return await asyncio.gather(*(storing.store(told(i)) for i in ids), return_exceptions=True)


async def test_those_that_come_meanwhile_go_together(table: Table, storing: Storing) -> None:
    assert await store(storing, "a", "b", "c", "d") == [True] * 4
    assert table.statements == [["a"], ["b", "c", "d"]]


async def test_one_that_comes_alone_does_not_wait_for_others(
    table: Table, storing: Storing
) -> None:
    for event_id in "abc":
        assert await store(storing, event_id) == [True]
    assert table.statements == [["a"], ["b"], ["c"]]


async def test_a_copy_is_stored_once_however_close_it_comes(table: Table, storing: Storing) -> None:
    assert await store(storing, "a", "b", "b", "a", "b") == [True, True, False, False, False]
    assert table.statements == [["a"], ["b", "a"], ["b"], ["b"]]


async def test_one_that_cannot_be_stored_does_not_take_the_others_with_it(
    table: Table, storing: Storing
) -> None:
    table.poison = "c"

    first, b, c, d = await store(storing, "a", "b", "c", "d")

    assert (first, b, d) == (True, True, True)
    assert isinstance(c, LookupError)


async def test_all_are_told_that_the_database_is_down_and_the_next_is_tried(
    table: Table, storing: Storing
) -> None:
    table.down = True
    assert all(isinstance(each, DependencyDown) for each in await store(storing, "a", "b", "c"))
    assert table.statements == [["a"], ["b", "c"]]

    table.down = False
    assert await store(storing, "b") == [True]


async def test_who_gives_up_waiting_holds_up_nobody(table: Table, storing: Storing) -> None:
    waiting = [asyncio.create_task(storing.store(told(event_id))) for event_id in "abc"]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()

    assert await waiting[2]
    assert table.known == {"a", "b", "c"}
