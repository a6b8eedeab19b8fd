import asyncio

import pytest
from aiohttp import web

from shop.access import Role
from tests.support.faults import Forward, Gate
from tests.support.shop import Api, Shop
from tests.support.tables import Inventory, Orders


async def test_a_confirmed_order_is_cancelled_and_its_pieces_go_back(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add("Lamp", stock=5)
    order = (await api.order(1, 3)).json

    answer = await api.post("/orders/1/cancel")

    assert (answer.status, answer.json) == (200, order | {"status": "cancelled"})
    assert (inventory.stock(1), inventory.differences()) == (5, [])
    ((_, subject, data),) = orders.events("order.cancelled")
    assert (subject, data["cancelled_by"], data["order_id"]) == ("1", "customer", 1)
    assert data["items"][0]["quantity"] == 3


async def test_cancelling_again_changes_nothing(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    await api.order(1, 3)
    first = await api.post("/orders/1/cancel")
    before = orders.everything(), inventory.everything()

    again = await api.post("/orders/1/cancel")

    assert (again.status, again.body) == (200, first.body)
    assert (orders.everything(), inventory.everything()) == before


async def test_a_pending_order_is_cancelled_and_can_no_longer_be_reserved(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    orders.run(
        "INSERT INTO orders (reservation_id, items)"
        """ VALUES (gen_random_uuid(), '[{"product_id": 1, "quantity": 2}]')"""
    )
    reservation_id = orders.value("SELECT reservation_id FROM orders")

    answer = await api.post("/orders/1/cancel")

    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert (await api.reserve(reservation_id, [(1, 2)])).problem == "reservation-released"
    assert inventory.stock(1) == 5


async def test_a_rejected_order_cannot_be_cancelled(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=0)
    await api.order(1)
    before = orders.everything()

    answer = await api.post("/orders/1/cancel")

    assert (answer.status, answer.problem) == (409, "order-not-cancellable")
    assert orders.everything() == before


async def test_an_order_of_another_account_or_none_is_not_found(
    guarded: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add()
    await guarded.order(1, account="ada")

    for path, account in (("/orders/1", "bob"), ("/orders/2", "ada")):
        answer = await guarded.post(path + "/cancel", account=account)
        assert (answer.status, answer.problem) == (404, "order-not-found")
    assert orders.statuses() == {"confirmed": 1}


@pytest.mark.parametrize(
    ("account", "role", "by"), [("ada", "customer", "customer"), ("root", "admin", "system")]
)
async def test_an_order_is_cancelled_by_its_account_or_an_admin(
    guarded: Api, inventory: Inventory, orders: Orders, account: str, role: Role, by: str
) -> None:
    inventory.add(stock=5)
    await guarded.order(1, account="ada")

    answer = await guarded.post("/orders/1/cancel", account=account, role=role)

    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    assert orders.rows("SELECT cancelled_by, released_at IS NOT NULL FROM orders") == [(by, True)]
    assert inventory.stock(1) == 5


async def test_of_many_cancels_at_once_one_gives_the_pieces_back(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    await api.order(1, 3)

    answers = await asyncio.gather(*(api.post("/orders/1/cancel") for _ in range(10)))

    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert inventory.ledger(1) == [("initial", 5), ("sale", -3), ("release", 3)]
    assert len(orders.events("order.cancelled")) == 1


async def test_a_cancel_with_a_key_is_answered_again(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)
    await api.order(1, 3)

    answers = await asyncio.gather(*(api.post("/orders/1/cancel", key="k") for _ in range(8)))

    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert inventory.stock(1) == 5


async def test_a_key_is_of_one_order_and_of_one_route(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=5)
    for _ in range(2):
        await api.order(1)
    assert (await api.order(1, key="k")).status == 201
    assert (await api.post("/orders/1/cancel", key="k")).status == 200

    answer = await api.post("/orders/2/cancel", key="k")

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")


async def test_a_cancel_stands_where_the_inventory_is_down_and_is_released_later(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    await api.order(1, 3)
    shop.replace("cancel_order", RELEASE_STOCK_URL="http://127.0.0.1:1")

    answer = await api.post("/orders/1/cancel")

    assert (answer.status, answer.json["status"], inventory.stock(1)) == (200, "cancelled", 2)
    assert orders.value("SELECT released_at FROM orders") is None
    await api.settle()
    assert inventory.stock(1) == 5
    assert orders.value("SELECT released_at FROM orders") is not None


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_cancel_that_meets_the_order_on_its_way_leaves_nothing_taken(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders, reserve_gate: Gate, key: str | None
) -> None:
    inventory.add(stock=5)
    shop.replace("create_order", RESERVE_STOCK_URL=reserve_gate.address)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(forward: Forward) -> web.Response:
        answer = await forward()
        reached.set()
        await go_on.wait()
        return answer

    reserve_gate.script = wait
    ordering = asyncio.create_task(api.order(1, 2, key=key))
    await reached.wait()
    assert inventory.stock(1) == 3
    cancelled = await api.post("/orders/1/cancel")
    go_on.set()

    answer = await ordering

    assert (cancelled.status, answer.status, answer.problem) == (200, 409, "order-cancelled")
    assert (orders.statuses(), inventory.stock(1)) == ({"cancelled": 1}, 5)
    assert [name for name, _, _ in orders.events()] == ["order.cancelled"]


async def test_confirms_and_cancels_in_any_interleaving_keep_or_give_back_each_piece(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=100)

    async def order_and_cancel(n: int) -> None:
        ordering = asyncio.create_task(api.order(1, key=f"k{n}"))
        await asyncio.sleep(n % 7 * 0.002)
        answers = await asyncio.gather(
            *(api.post(f"/orders/{order_id}/cancel") for order_id in (n, n + 1)), ordering
        )
        assert {answer.status for answer in answers} <= {200, 201, 404, 409}

    await asyncio.gather(*(order_and_cancel(n) for n in range(1, 25)))
    await api.settle()

    confirmed = orders.statuses().get("confirmed", 0)
    assert inventory.stock(1) == 100 - confirmed
    assert inventory.value("SELECT count(*) FROM reservations WHERE status = 'held'") == confirmed
    assert inventory.differences() == []
