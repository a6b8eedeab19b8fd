"""A crash at each step of an order's saga, and what the database refuses of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, LiteralString

import aiohttp
import psycopg
import pytest
from aiohttp import web

from tests.support.faults import Forward, Gate, Moment, Process, Saboteur
from tests.support.invariants import hold_always, hold_when_settled
from tests.support.shop import Api, Shop
from tests.support.tables import Inventory, Orders

Start = Callable[..., Process]

PLACED = """INSERT INTO orders (reservation_id, items)
  VALUES (gen_random_uuid(), '[{"product_id": 1, "quantity": 1}]')"""
# How an order gets from pending to each status by legal steps.
WAYS: dict[str, list[LiteralString]] = {
    "pending": [],
    "confirmed": ["UPDATE orders SET status = 'confirmed', confirmed_at = now(), total_price = 1"],
    "rejected": ["UPDATE orders SET status = 'rejected', rejected_at = now(), rejection = '{}'"],
    "cancelled": [
        "UPDATE orders SET status = 'cancelled', cancelled_at = now(), cancelled_by = 'system'"
    ],
}
LEGAL = {
    ("pending", "confirmed"), ("pending", "rejected"), ("pending", "cancelled"),
    ("confirmed", "cancelled"),
}  # fmt: skip


@pytest.fixture
async def stock(inventory: Inventory, orders: Orders) -> AsyncIterator[Callable[[], int]]:
    """How many of a product's 5 pieces are there; in the end all that should hold is checked."""
    inventory.add("Lamp", stock=5)
    yield lambda: inventory.stock(1)
    hold_when_settled(inventory, orders)


async def settle(api: Api, orders: Orders) -> None:
    orders.age(31)
    assert (await api.settle()).status == 204


# --- crashes inside the functions, at every statement and call -----------------------------------

CREATE_STEPS: list[tuple[Moment, str]] = [
    ("before", "place_order"),
    ("after", "place_order"),
    ("before", "RESERVE_STOCK_URL"),
    ("after", "RESERVE_STOCK_URL"),
    ("before", "confirm_order"),
    ("after", "confirm_order"),
]


@pytest.mark.parametrize(("moment", "step"), CREATE_STEPS)
async def test_an_order_that_crashed_at_any_step_is_settled(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, stock: Callable[[], int],
    moment: Moment, step: str,
) -> None:  # fmt: skip
    shop.replace("create_order")
    Saboteur(shop["create_order"]).arm(moment, step)

    assert (await api.order(1, 2)).status == 500
    hold_always(inventory, orders)
    await settle(api, orders)

    confirmed = (moment, step) == ("after", "confirm_order")
    assert stock() == (3 if confirmed else 5)


@pytest.mark.parametrize(("moment", "step"), CREATE_STEPS)
async def test_an_order_that_crashed_at_any_step_goes_on_with_its_key(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, stock: Callable[[], int],
    moment: Moment, step: str,
) -> None:  # fmt: skip
    shop.replace("create_order")
    Saboteur(shop["create_order"]).arm(moment, step)
    assert (await api.order(1, 2, key="k")).status == 500
    hold_always(inventory, orders)

    answers = [await api.order(1, 2, key="k") for _ in range(2)]

    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert (stock(), orders.statuses()) == (3, {"confirmed": 1})


async def test_the_key_of_an_order_on_its_way_is_refused_to_another_body(
    shop: Shop, api: Api, orders: Orders, stock: Callable[[], int]
) -> None:
    shop.replace("create_order")
    Saboteur(shop["create_order"]).arm("after", "RESERVE_STOCK_URL")
    await api.order(1, 2, key="k")

    answer = await api.order(1, 1, key="k")

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
    assert (stock(), orders.statuses()) == (3, {"pending": 1})
    await settle(api, orders)


@pytest.mark.parametrize(("moment", "step"), CREATE_STEPS[1:])
async def test_an_order_that_crashed_and_was_settled_is_not_revived_by_its_key(
    shop: Shop, api: Api, orders: Orders, stock: Callable[[], int], moment: Moment, step: str
) -> None:
    shop.replace("create_order")
    Saboteur(shop["create_order"]).arm(moment, step)
    await api.order(1, 2, key="k")
    await settle(api, orders)

    answer = await api.order(1, 2, key="k")

    if (moment, step) == ("after", "confirm_order"):
        assert (answer.status, stock()) == (201, 3)
    else:
        assert (answer.status, answer.problem, stock()) == (409, "order-cancelled", 5)


@pytest.mark.parametrize(
    ("moment", "step"),
    [("after", "RESERVE_STOCK_URL"), ("before", "reject_order"), ("after", "reject_order")],
)
async def test_a_refused_order_that_crashed_is_refused_with_its_key_although_stock_came(
    shop: Shop, api: Api, orders: Orders, stock: Callable[[], int], moment: Moment, step: str
) -> None:
    shop.replace("create_order")
    Saboteur(shop["create_order"]).arm(moment, step)
    assert (await api.order(1, 6, key="k")).status == 500
    await api.post("/products/1/stock", {"quantity": 10})

    answers = [await api.order(1, 6, key="k") for _ in range(2)]

    assert {(a.status, a.problem, a.body) for a in answers} == {
        (409, "insufficient-stock", answers[0].body)
    }
    assert (stock(), orders.statuses()) == (15, {"rejected": 1})


@pytest.mark.parametrize(
    ("moment", "step"),
    [
        ("before", "cancel_order"),
        ("after", "cancel_order"),
        ("before", "RELEASE_STOCK_URL"),
        ("after", "RELEASE_STOCK_URL"),
        ("before", "stamp_released"),
        ("after", "stamp_released"),
    ],
)
@pytest.mark.parametrize("key", [None, "k"])
async def test_a_cancel_that_crashed_at_any_step_gives_back_once_or_not_at_all(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, stock: Callable[[], int],
    moment: Moment, step: str, key: str | None,
) -> None:  # fmt: skip
    await api.order(1, 2)
    shop.replace("cancel_order")
    Saboteur(shop["cancel_order"]).arm(moment, step)

    assert (await api.post("/orders/1/cancel", key=key)).status == 500
    hold_always(inventory, orders)
    await settle(api, orders)

    # With a key the cancel is in one transaction with it, and is lost as a whole.
    lost = (moment, step) == ("before", "cancel_order") or (
        key is not None and (moment, step) == ("after", "cancel_order")
    )
    assert (stock(), orders.statuses()) == (
        (3, {"confirmed": 1}) if lost else (5, {"cancelled": 1})
    )
    again = await api.post("/orders/1/cancel", key=key)
    assert (again.status, again.json["status"], stock()) == (200, "cancelled", 5)


@pytest.mark.parametrize(
    ("moment", "step"),
    [
        ("before", "cancel_stuck_orders"),
        ("after", "cancel_stuck_orders"),
        ("before", "unreleased_orders"),
        ("after", "unreleased_orders"),
        ("before", "RELEASE_STOCK_URL"),
        ("after", "RELEASE_STOCK_URL"),
        ("before", "stamp_released"),
        ("after", "stamp_released"),
    ],
)
async def test_settling_that_crashed_at_any_step_is_done_by_the_next_run(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, stock: Callable[[], int],
    moment: Moment, step: str,
) -> None:  # fmt: skip
    shop.replace("create_order")
    for number in range(2):
        Saboteur(shop["create_order"]).arm("after", "RESERVE_STOCK_URL")
        await api.order(1, number + 1)
    orders.age(31)
    shop.replace("settle_orders")
    Saboteur(shop["settle_orders"]).arm(moment, step)

    assert (await api.settle()).status == 500
    hold_always(inventory, orders)
    assert (await api.settle()).status == 204

    assert (stock(), orders.statuses()) == (5, {"cancelled": 2})


# --- processes that are killed -------------------------------------------------------------------


@contextlib.asynccontextmanager
async def killed_at(gate: Gate, process: Process, moment: Moment) -> AsyncIterator[None]:
    """Kill the process when it calls, before or after the call has had its effect."""
    done = asyncio.Event()

    async def script(forward: Forward) -> web.Response:
        answer = web.Response() if moment == "before" else await forward()
        process.kill()
        done.set()
        return answer

    await process.ready()
    gate.script = script
    yield
    async with asyncio.timeout(10):
        await done.wait()


async def call_lost(api: Api, address: str, path: str, body: Any, key: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        await api.send("POST", address + path, body=body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_order_whose_process_is_killed_around_its_reservation_goes_on_elsewhere(
    api: Api, inventory: Inventory, orders: Orders, stock: Callable[[], int], reserve_gate: Gate,
    process: Start, moment: Moment,
) -> None:  # fmt: skip
    server = process("create_order", RESERVE_STOCK_URL=reserve_gate.address)
    for key in ("settled", "retried"):
        if key == "retried":
            server = process("create_order", RESERVE_STOCK_URL=reserve_gate.address)
        async with killed_at(reserve_gate, server, moment):
            body = {"product_id": 1, "quantity": 1}
            await call_lost(api, server.address, "/orders", body, key)
        assert orders.statuses().get("pending") == 1
        hold_always(inventory, orders)
        if key == "settled":
            await settle(api, orders)
            assert stock() == 5

    assert (await api.order(1, key="retried")).status == 201
    assert (await api.order(1, key="settled")).problem == "order-cancelled"
    assert (stock(), orders.statuses()) == (4, {"cancelled": 1, "confirmed": 1})


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_cancel_whose_process_is_killed_around_its_release_is_settled(
    api: Api, inventory: Inventory, orders: Orders, stock: Callable[[], int], release_gate: Gate,
    process: Start, moment: Moment,
) -> None:  # fmt: skip
    await api.order(1, 2)
    server = process("cancel_order", RELEASE_STOCK_URL=release_gate.address)
    async with killed_at(release_gate, server, moment):
        await call_lost(api, server.address, "/orders/1/cancel", None, "k")

    assert orders.row("SELECT status, released_at FROM orders") == ("cancelled", None)
    assert stock() == (3 if moment == "before" else 5)
    hold_always(inventory, orders)
    await settle(api, orders)
    assert stock() == 5
    assert (await api.post("/orders/1/cancel", key="k")).json["status"] == "cancelled"


async def test_a_reserve_that_arrives_after_its_release_takes_nothing(
    shop: Shop, api: Api, orders: Orders, stock: Callable[[], int], reserve_gate: Gate
) -> None:
    shop.replace("create_order", RESERVE_STOCK_URL=reserve_gate.address)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def late(forward: Forward) -> web.Response:
        arrived.set()
        await go_on.wait()
        return await forward()

    reserve_gate.script = late
    ordering = asyncio.create_task(api.order(1, 2))
    await arrived.wait()
    await settle(api, orders)
    assert orders.value("SELECT released_at IS NOT NULL FROM orders")
    go_on.set()

    answer = await ordering

    assert (answer.status, answer.problem, stock()) == (409, "order-cancelled", 5)


async def test_a_function_that_is_asked_to_end_finishes_what_it_began(
    api: Api, stock: Callable[[], int], reserve_gate: Gate, process: Start
) -> None:
    server = process("create_order", RESERVE_STOCK_URL=reserve_gate.address)
    await server.ready()

    async def slow(forward: Forward) -> web.Response:
        server.terminate()
        await asyncio.sleep(0.3)
        return await forward()

    reserve_gate.script = slow
    answer = await api.send(
        "POST", server.address + "/orders", body={"product_id": 1, "quantity": 1}
    )

    assert (answer.status, answer.json["status"], stock()) == (201, "confirmed", 4)
    assert await server.ended(10) == 0


# --- what the database refuses -------------------------------------------------------------------


@pytest.mark.parametrize("before", WAYS)
@pytest.mark.parametrize("after", WAYS)
def test_an_order_changes_its_status_only_as_it_may(
    orders: Orders, before: str, after: str
) -> None:
    orders.run(PLACED)
    for step in WAYS[before]:
        orders.run(step)
    change = (WAYS[after] or ["UPDATE orders SET status = 'pending'"])[-1]

    if before == after or (before, after) in LEGAL:
        assert orders.run(change) == 1
    else:
        with pytest.raises(psycopg.errors.CheckViolation, match="cannot go from"):
            orders.run(change)
        assert orders.value("SELECT status FROM orders") == before


@pytest.mark.parametrize("status", ["confirmed", "rejected", "cancelled"])
def test_an_order_begins_pending(orders: Orders, status: str) -> None:
    columns: dict[str, LiteralString] = {
        "confirmed": "confirmed_at, total_price) VALUES (now(), 1,",
        "rejected": "rejected_at, rejection) VALUES (now(), '{}',",
        "cancelled": "cancelled_at, cancelled_by) VALUES (now(), 'system',",
    }
    names, _, values = columns[status].partition(") VALUES (")

    with pytest.raises(psycopg.errors.CheckViolation):
        orders.run(
            f"INSERT INTO orders ({names}, status, reservation_id, items)"
            f" VALUES ({values} %s, gen_random_uuid(), '[]')",
            status,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET status = 'confirmed'",
        "UPDATE orders SET status = 'rejected', rejected_at = now()",
        "UPDATE orders SET status = 'cancelled', cancelled_at = now()",
        "UPDATE orders SET status = 'cancelled', cancelled_at = now(), cancelled_by = 'me'",
        "UPDATE orders SET status = 'lost'",
        "UPDATE orders SET released_at = now()",
        "UPDATE orders SET total_price = 1",
        "UPDATE orders SET confirmed_at = now(), total_price = -1",
    ],
)
def test_an_orders_columns_agree_with_its_status(orders: Orders, statement: LiteralString) -> None:
    orders.run(PLACED)

    with pytest.raises(psycopg.errors.CheckViolation):
        orders.run(statement)


def test_a_reservation_belongs_to_one_order(orders: Orders) -> None:
    orders.run(PLACED)

    with pytest.raises(psycopg.errors.UniqueViolation):
        orders.run(
            "INSERT INTO orders (reservation_id, items) SELECT reservation_id, items FROM orders"
        )


def test_a_total_that_has_no_place_is_refused(orders: Orders) -> None:
    orders.run(PLACED)

    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        orders.run(
            "UPDATE orders SET status = 'confirmed', confirmed_at = now(),"
            " total_price = 10000000000.00"
        )


def test_an_answer_of_5xx_cannot_be_kept_under_a_key(orders: Orders, inventory: Inventory) -> None:
    for tables in (orders, inventory):
        with pytest.raises(psycopg.errors.CheckViolation):
            tables.run(
                "INSERT INTO idempotency_keys (account, route, key, fingerprint, status)"
                " VALUES ('', 'r', 'k', 'f', 500)"
            )
