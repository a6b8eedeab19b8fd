import asyncio
from uuid import uuid4

import psycopg
import pytest

from tests.support.shop import Api
from tests.support.tables import Inventory


async def test_what_was_taken_goes_back_and_it_is_announced(api: Api, inventory: Inventory) -> None:
    inventory.add("Lamp", stock=5)
    inventory.add("Chair", stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(2, 3), (1, 2)])

    answer = await api.release(reservation_id)

    assert answer.status == 200
    assert answer.json == {
        "reservation_id": str(reservation_id), "status": "released",
        "items": [{"product_id": 1, "quantity": 2}, {"product_id": 2, "quantity": 3}],
    }  # fmt: skip
    assert (inventory.stock(1), inventory.stock(2)) == (5, 5)
    assert inventory.ledger(1) == [("initial", 5), ("sale", -2), ("release", 2)]
    updates = inventory.events("product.updated")
    assert sorted((data["product_id"], data["cause"], data["stock"]) for _, _, data in updates) == [
        (1, "release", 5), (2, "release", 5),
    ]  # fmt: skip


async def test_releasing_again_changes_nothing(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(1, 2)])
    await api.release(reservation_id)
    before = inventory.everything()

    again = await api.release(reservation_id)

    assert (again.status, again.json["items"]) == (200, [])
    assert inventory.everything() == before


async def test_many_releases_at_once_give_it_back_once(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(1, 2)])

    answers = await asyncio.gather(*(api.release(reservation_id) for _ in range(10)))

    assert {answer.status for answer in answers} == {200}
    assert inventory.ledger(1) == [("initial", 5), ("sale", -2), ("release", 2)]


@pytest.mark.parametrize("stock", [5, 3], ids=["enough is left", "the repetition is short"])
@pytest.mark.parametrize("lines", [[(1, 2)], [(1, 2), (2, 1)]], ids=["one line", "two lines"])
async def test_a_reserve_that_is_repeated_while_it_is_released_does_not_deadlock(
    api: Api, inventory: Inventory, lines: list[tuple[int, int]], stock: int
) -> None:
    inventory.add(stock=stock)
    inventory.add(stock=stock)
    reservation_id = uuid4()
    await api.reserve(reservation_id, lines)

    # Both stand in the queue for the product's row, the reserve first.
    with psycopg.connect(inventory.url) as holder:
        holder.execute("SELECT FROM products WHERE id = 1 FOR UPDATE")
        again = asyncio.create_task(api.reserve(reservation_id, lines))
        await _until_waiting(inventory, 1)
        released = asyncio.create_task(api.release(reservation_id))
        await _until_waiting(inventory, 2)

    assert (await released).status == 200
    assert (await again).status in (200, 409)
    assert (inventory.stock(1), inventory.stock(2)) == (stock, stock)
    assert inventory.differences() == []


async def _until_waiting(inventory: Inventory, number: int) -> None:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(3):
        while inventory.value(waiting) != number:
            await asyncio.sleep(0.01)


async def test_a_release_lifts_the_stock_beyond_what_a_count_may_say(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(1, 2)])
    full = {"name": "Lamp", "price": 1, "stock": 1_000_000_000}
    assert (await api.put("/products/1", full)).status == 200

    assert (await api.release(reservation_id)).status == 200

    shown = await api.get("/products/1")
    assert (shown.status, shown.json["stock"]) == (200, 1_000_000_002)
    assert (await api.post("/products/1/stock", {"quantity": 1})).status == 422
    assert (await api.reserve(uuid4(), [(1, 2)])).status == 200
    assert inventory.differences() == []


async def test_a_release_of_what_was_never_reserved_leaves_a_tombstone(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    reservation_id = uuid4()

    for _ in range(2):
        answer = await api.release(reservation_id)
        assert (answer.status, answer.json["items"]) == (200, [])

    assert inventory.row("SELECT id, status, lines, answer FROM reservations") == (
        reservation_id, "released", [], None,
    )  # fmt: skip
    assert inventory.ledger(1) == [("initial", 5)]


async def test_a_release_of_a_refused_reservation_gives_nothing_back(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(1, 6)])
    before = inventory.everything()

    answer = await api.release(reservation_id)

    assert (answer.status, answer.json["items"]) == (200, [])
    assert inventory.everything() == before


async def test_whoever_comes_first_reserve_and_release_leave_nothing_taken(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=10)
    inventory.add("Chair", stock=10)
    for n in range(25):
        reservation_id = uuid4()
        lines = [(1, 1)] if n % 2 else [(2, 1), (1, 2)]
        reserved, released = await asyncio.gather(
            api.reserve(reservation_id, lines), api.release(reservation_id)
        )
        assert reserved.status in (200, 409)
        assert released.status == 200

    assert (inventory.stock(1), inventory.stock(2)) == (10, 10)
    assert inventory.differences() == []
    assert inventory.rows("SELECT DISTINCT status FROM reservations") == [("released",)]


@pytest.mark.parametrize("name", ["1", "x" * 36, "-" * 36, "0" * 8 + "-0000-0000-0000-" + "0" * 13])
async def test_what_is_no_uuid_is_not_found(api: Api, inventory: Inventory, name: str) -> None:
    address = api.shop["release_stock"].address

    answer = await api.send("POST", f"{address}/reservations/{name}/release")

    assert (answer.status, answer.problem) == (404, "not-found")
    assert inventory.everything() == [[], [], [], []]
