import asyncio
from uuid import uuid4

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
