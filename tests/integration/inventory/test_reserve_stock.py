import asyncio
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from shop.database import Statement
from shop.errors import DependencyDown
from shop.joint_reservations import REFUSE_TOGETHER
from shop.prepared import Row
from tests.support.functions import Function
from tests.support.shop import Answer, Api, Shop
from tests.support.tables import Inventory


async def test_one_line_is_taken_and_priced(api: Api, inventory: Inventory) -> None:
    inventory.add("Laptop", stock=50, price="999.99")
    reservation_id = uuid4()

    answer = await api.reserve(reservation_id, [(1, 5)])

    assert answer.status == 200
    assert answer.json == {
        "reservation_id": str(reservation_id),
        "items": [
            {"product_id": 1, "name": "Laptop", "quantity": 5, "unit_price": Decimal("999.99")}
        ],
        "total_price": Decimal("4999.95"),
    }
    assert (inventory.stock(1), inventory.ledger(1)) == (45, [("initial", 50), ("sale", -5)])
    assert inventory.row("SELECT id, status FROM reservations") == (reservation_id, "held")
    assert inventory.value("SELECT DISTINCT reservation_id FROM stock_movements"
                           " WHERE reason = 'sale'") == reservation_id  # fmt: skip


async def test_several_lines_are_taken_in_the_order_of_their_products(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=5, price="0.10")
    inventory.add("Chair", stock=5, price="0.20")

    answer = await api.reserve(uuid4(), [(2, 1), (1, 1)])

    assert [item["product_id"] for item in answer.json["items"]] == [1, 2]
    assert b'"total_price":0.30' in answer.body
    assert (inventory.stock(1), inventory.stock(2)) == (4, 4)


async def test_lines_of_one_product_are_added_up(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)

    answer = await api.reserve(uuid4(), [(1, 2), (1, 3)])

    assert [(item["product_id"], item["quantity"]) for item in answer.json["items"]] == [(1, 5)]
    assert inventory.ledger(1) == [("initial", 5), ("sale", -5)]


async def test_lines_that_are_too_many_together_are_refused(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)

    answer = await api.reserve(uuid4(), [(1, 3), (1, 3)])

    assert (answer.status, answer.problem, inventory.stock(1)) == (409, "insufficient-stock", 5)


async def test_where_one_line_is_short_none_is_taken_and_each_short_one_is_named(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=5)
    inventory.add("Chair", stock=1)
    inventory.add("Desk", stock=0)
    before = inventory.everything()[:2]

    answer = await api.reserve(uuid4(), [(3, 1), (1, 5), (2, 2)])

    assert (answer.status, answer.problem) == (409, "insufficient-stock")
    assert answer.json["products"] == [
        {"product_id": 2, "name": "Chair", "requested": 2, "available": 1},
        {"product_id": 3, "name": "Desk", "requested": 1, "available": 0},
    ]
    assert inventory.everything()[:2] == before
    assert inventory.events() == []


async def test_where_a_product_is_missing_none_is_taken_and_each_missing_one_is_named(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    before = inventory.everything()[:2]

    answer = await api.reserve(uuid4(), [(1, 1), (7, 1), (2**63 - 1, 1)])

    assert (answer.status, answer.problem) == (404, "product-not-found")
    assert answer.json["product_ids"] == [7, 2**63 - 1]
    assert inventory.everything()[:2] == before


async def test_the_last_pieces_can_be_taken_and_not_one_more(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=2)

    assert (await api.reserve(uuid4(), [(1, 2)])).status == 200
    assert (await api.reserve(uuid4(), [(1, 1)])).status == 409
    assert inventory.stock(1) == 0


@pytest.mark.parametrize(
    "lines", [[(1, 2)], [(1, 1), (2, 1)], [(1, 6)], [(1, 6), (2, 1)], [(9, 1)]]
)
async def test_the_same_id_again_gives_the_same_answer_and_takes_nothing(
    api: Api, inventory: Inventory, lines: list[tuple[int, int]]
) -> None:
    inventory.add("Lamp", stock=5)
    inventory.add("Chair", stock=5)
    reservation_id = uuid4()
    first = await api.reserve(reservation_id, lines)
    inventory.run("UPDATE products SET price = price + 1, name = name || '!'")
    await api.post("/products/1/stock", {"quantity": 100})
    before = inventory.everything()

    again = await api.reserve(reservation_id, lines)

    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert inventory.everything() == before


async def test_the_same_lines_in_another_order_are_the_same(api: Api, inventory: Inventory) -> None:
    inventory.add("Lamp", stock=5)
    inventory.add("Chair", stock=5)
    reservation_id = uuid4()
    first = await api.reserve(reservation_id, [(1, 2), (2, 1)])

    again = await api.reserve(reservation_id, [(2, 1), (1, 1), (1, 1)])

    assert again.body == first.body


@pytest.mark.parametrize("others", [[(1, 3)], [(2, 2)], [(1, 2), (2, 1)], [(1, 99)], [(9, 1)]])
async def test_the_same_id_with_other_lines_is_refused(
    api: Api, inventory: Inventory, others: list[tuple[int, int]]
) -> None:
    inventory.add("Lamp", stock=5)
    inventory.add("Chair", stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(1, 2)])
    before = inventory.everything()

    answer = await api.reserve(reservation_id, others)

    assert (answer.status, answer.problem) == (409, "reservation-mismatch")
    assert inventory.everything() == before


async def test_duplicates_at_once_take_once_and_get_one_answer(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=6)
    inventory.add("Chair", stock=6)
    for lines in ([(1, 2)], [(1, 2), (2, 3)]):
        reservation_id = uuid4()
        answers = await asyncio.gather(*(api.reserve(reservation_id, lines) for _ in range(12)))
        assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}

    assert (inventory.stock(1), inventory.stock(2)) == (2, 3)


@pytest.mark.parametrize("lines", [[(1, 1)], [(1, 1), (2, 1)], [(9, 1)]])
async def test_what_was_released_before_it_was_reserved_is_refused(
    api: Api, inventory: Inventory, lines: list[tuple[int, int]]
) -> None:
    inventory.add("Lamp", stock=5)
    inventory.add("Chair", stock=5)
    reservation_id = uuid4()
    await api.release(reservation_id)
    before = inventory.everything()

    answer = await api.reserve(reservation_id, lines)

    assert (answer.status, answer.problem) == ((409, "reservation-released"))
    assert inventory.everything() == before


async def test_what_was_taken_and_released_cannot_be_taken_again(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(1, 2)])
    await api.release(reservation_id)

    answer = await api.reserve(reservation_id, [(1, 2)])

    assert (answer.problem, inventory.stock(1)) == ("reservation-released", 5)


async def test_low_stock_is_told_once_each_time_that_the_threshold_is_crossed(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=12, threshold=10)

    for quantity in (1, 1, 1, 1):  # 11, then 10: at the threshold, then below it
        await api.reserve(uuid4(), [(1, quantity)])
    await api.post("/products/1/stock", {"quantity": 12})  # 20
    await api.reserve(uuid4(), [(1, 15)])  # 5

    assert inventory.events("product.stock_low") == [
        ("product.stock_low", "1",
         {"product_id": 1, "product": "Lamp", "stock": stock, "low_stock_threshold": 10})
        for stock in (10, 5)
    ]  # fmt: skip


async def test_of_several_lines_only_those_that_cross_tell_of_low_stock(
    api: Api, inventory: Inventory
) -> None:
    for name, threshold in (("crosses", 9), ("stays above", 0), ("was below", 50)):
        inventory.add(name, stock=10, threshold=threshold)

    await api.reserve(uuid4(), [(1, 1), (2, 1), (3, 1)])

    assert [data["product"] for _, _, data in inventory.events()] == ["crosses"]


async def test_of_many_orders_at_once_one_tells_of_the_crossing(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=30, threshold=15)

    await asyncio.gather(*(api.reserve(uuid4(), [(1, 1)]) for _ in range(30)))

    assert len(inventory.events("product.stock_low")) == 1


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([(1, 10)], 422),  # 10,000,000,000.00
        ([(2, 9), (1, 1), (3, 8)], 200),  # 9,999,999,999.99
        ([(2, 9), (1, 1), (3, 9)], 422),  # one cent more
    ],
)
async def test_a_total_reaches_its_bound_and_not_a_cent_more(
    api: Api, inventory: Inventory, lines: list[tuple[int, int]], status: int
) -> None:
    inventory.add("a", stock=50, price="1000000000.00")
    inventory.add("b", stock=50, price="999999999.99")
    inventory.add("c", stock=50, price="0.01")
    before = inventory.everything()[:2]

    answer = await api.reserve(uuid4(), lines)

    if status == 422:
        assert (answer.fields, inventory.everything()[:2]) == (["items"], before)
    else:
        assert b'"total_price":9999999999.99' in answer.body


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["reservation_id", "items"]),
        ({"reservation_id": "x", "items": [{"product_id": 1, "quantity": 1}]}, ["reservation_id"]),
        ({"reservation_id": 5, "items": [{"product_id": 1, "quantity": 1}]}, ["reservation_id"]),
        ({"reservation_id": str(UUID(int=1)), "items": []}, ["items"]),
        ({"reservation_id": str(UUID(int=1)), "items": [{"product_id": 0, "quantity": 0}]},
         ["items.0.product_id", "items.0.quantity"]),
    ],
)  # fmt: skip
async def test_each_field_that_does_not_hold_is_named_and_nothing_changes(
    api: Api, inventory: Inventory, body: Any, fields: list[str]
) -> None:
    inventory.add()
    before = inventory.everything()

    answer = await api.post("/reservations", body)

    assert answer.fields == fields
    assert inventory.everything() == before


async def test_reservations_in_opposite_orders_neither_deadlock_nor_lose_a_piece(
    api: Api, inventory: Inventory
) -> None:
    for n in range(6):
        inventory.add(f"Product {n}", stock=60)
    chance = random.Random(7)

    async def client() -> list[int]:
        statuses = []
        for _ in range(6):
            products = chance.sample(range(1, 7), 4)
            answer = await api.reserve(uuid4(), [(p, chance.randint(1, 3)) for p in products])
            statuses.append(answer.status)
            if answer.status == 200 and chance.random() < 0.3:
                statuses.append((await api.release(answer.json["reservation_id"])).status)
        return statuses

    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'inventory'"
    before = inventory.value(deadlocks)
    statuses = await asyncio.gather(*(client() for _ in range(20)))

    assert {status for some in statuses for status in some} <= {200, 409}
    assert inventory.differences() == []
    assert inventory.value("SELECT min(stock) FROM products") >= 0
    held = (
        "SELECT coalesce(sum((line->>'quantity')::int), 0) FROM reservations,"
        " jsonb_array_elements(lines) line WHERE status = 'held'"
    )
    assert inventory.value("SELECT 360 - sum(stock) FROM products") == inventory.value(held)
    assert inventory.value(deadlocks) == before


async def test_reserving_again_while_it_is_released_never_fails(
    api: Api, inventory: Inventory
) -> None:
    inventory.add("Lamp", stock=100)
    inventory.add("Chair", stock=100)
    for lines in ([(1, 1)], [(1, 1), (2, 1)]) * 5:
        reservation_id = uuid4()
        await api.reserve(reservation_id, lines)

        answers = await asyncio.gather(
            *(
                api.release(reservation_id) if n % 3 == 1 else api.reserve(reservation_id, lines)
                for n in range(6)
            )
        )

        assert {answer.status for answer in answers} <= {200, 409}, answers
    assert (inventory.stock(1), inventory.stock(2)) == (100, 100)
    assert inventory.differences() == []


def test_the_database_refuses_a_negative_stock(inventory: Inventory) -> None:
    inventory.add(stock=1)

    with pytest.raises(psycopg.errors.CheckViolation, match="stock_is_never_negative"):
        inventory.run("UPDATE products SET stock = stock - 2")


async def test_the_database_refuses_to_take_or_give_back_a_line_twice(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    reservation_id = uuid4()
    await api.reserve(reservation_id, [(1, 1)])
    await api.release(reservation_id)

    for reason, change in (("sale", -1), ("release", 1)):
        with pytest.raises(psycopg.errors.UniqueViolation, match="stock_movements_once"):
            inventory.run(
                "INSERT INTO stock_movements (product_id, change, reason, reservation_id)"
                " VALUES (1, %s, %s, %s)",
                change, reason, reservation_id,
            )  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO stock_movements (product_id, change, reason) VALUES (1, 0, 'restock')",
        "INSERT INTO stock_movements (product_id, change, reason) VALUES (1, 1, 'gift')",
        "INSERT INTO stock_movements (product_id, change, reason) VALUES (1, -1, 'sale')",
        "UPDATE stock_movements SET reservation_id = gen_random_uuid()",
        "INSERT INTO reservations (id, status, lines) VALUES (gen_random_uuid(), 'held', '[]')",
        "INSERT INTO reservations (id, status, lines) VALUES (gen_random_uuid(), 'released', '[]')",
        "INSERT INTO reservations (id, status, lines) VALUES (gen_random_uuid(), 'lost', '[]')",
        "UPDATE products SET price = -1",
        "UPDATE products SET name = ''",
        "UPDATE products SET low_stock_threshold = -1",
    ],
)
def test_the_database_refuses_what_cannot_be(inventory: Inventory, statement: Any) -> None:
    inventory.add()

    with pytest.raises(psycopg.errors.CheckViolation):
        inventory.run(statement)


async def test_reservations_that_come_while_one_is_under_way_take_the_row_once(
    api: Api, shop: Shop, inventory: Inventory
) -> None:
    inventory.add(stock=100, threshold=95)
    statements = seen_statements(shop["reserve_stock"])

    answers = await all_at_once(api, inventory, [1] * 21)

    assert {answer.status for answer in answers} == {200}
    assert statements == ["reserve_one", "reserve_together"]
    assert inventory.stock(1) == 79
    assert inventory.ledger(1) == [("initial", 100), *[("sale", -1)] * 21]
    assert [event[2]["stock"] for event in inventory.events("product.stock_low")] == [79]


async def test_of_those_that_come_together_as_many_are_served_as_there_are_pieces(
    api: Api, shop: Shop, inventory: Inventory
) -> None:
    inventory.add(stock=10)
    statements = seen_statements(shop["reserve_stock"])

    answers = await all_at_once(api, inventory, [1] * 15 + [11] * 5)

    assert [answer.status for answer in answers].count(200) == 10
    short = [answer.json["products"][0] for answer in answers[15:]]
    assert {(each["requested"], each["available"]) for each in short} == {(11, 9)}
    assert inventory.stock(1) == 0
    assert "refuse_together" in statements
    stored = "SELECT count(*) FROM reservations WHERE status = 'refused'"
    assert inventory.value(stored) == 10


async def test_who_was_served_has_his_answer_though_a_refusal_cannot_be_stored(
    api: Api, shop: Shop, inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory.add(stock=10)
    database = shop["reserve_stock"].services.database
    rows = database.rows

    async def busy(statement: Statement, **values: Any) -> list[Row]:
        if statement is REFUSE_TOGETHER:
            raise DependencyDown("The database is busy.")
        return await rows(statement, **values)

    monkeypatch.setattr(database, "rows", busy)
    answers = await all_at_once(api, inventory, [1] * 6 + [11])

    assert [answer.status for answer in answers] == [200] * 6 + [409]
    assert inventory.stock(1) == 4


async def test_joining_can_be_switched_off(api: Api, shop: Shop, inventory: Inventory) -> None:
    inventory.add(stock=100)
    statements = seen_statements(shop.replace("reserve_stock", RESERVE_TOGETHER="1"))

    answers = await asyncio.gather(*(api.reserve(uuid4(), [(1, 1)]) for _ in range(20)))

    assert {answer.status for answer in answers} == {200}
    assert statements == ["reserve_one"] * 20


def seen_statements(function: Function) -> list[str]:
    """The names of the statements that the function runs from now on."""
    seen: list[str] = []
    database = function.services.database
    record = database._record

    def recorded(seconds: float, labels: Mapping[str, str]) -> None:
        seen.append(labels["statement"])
        record(seconds, labels)

    database._record = recorded
    return seen


async def all_at_once(api: Api, inventory: Inventory, quantities: list[int]) -> list[Answer]:
    """Reserve so many pieces of product 1, the others while the first waits for the row."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = 'shop-reserve_stock' AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(inventory.url) as other:
        other.execute("SELECT FROM products WHERE id = 1 FOR UPDATE")
        tasks = [asyncio.create_task(api.reserve(uuid4(), [(1, quantities[0])]))]
        async with asyncio.timeout(5):
            while not inventory.value(waiting):
                await asyncio.sleep(0.01)
        tasks += [asyncio.create_task(api.reserve(uuid4(), [(1, q)])) for q in quantities[1:]]
        await asyncio.sleep(0.3)
    return await asyncio.gather(*tasks)
