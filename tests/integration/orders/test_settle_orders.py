import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shop.model.orders import ORDER_STUCK_SECONDS
from tests.support.shop import Api, Shop
from tests.support.tables import Inventory, Orders


def leave_pending(orders: Orders, count: int, *, age: float) -> None:
    """Orders whose saga ended after its first step, that long ago."""
    orders.run(
        "INSERT INTO orders (reservation_id, items, created_at) SELECT gen_random_uuid(),"
        """ '[{"product_id": 1, "quantity": 1}]', now() - make_interval(secs => %s)"""
        " FROM generate_series(1, %s)",
        age, count,
    )  # fmt: skip


async def test_it_answers_204_without_a_body(api: Api) -> None:
    answer = await api.settle()

    assert (answer.status, answer.body) == (204, b"")


async def test_orders_on_their_way_are_left_alone_for_30_seconds(api: Api, orders: Orders) -> None:
    leave_pending(orders, 1, age=ORDER_STUCK_SECONDS - 3)
    leave_pending(orders, 1, age=ORDER_STUCK_SECONDS + 1)

    await api.settle()

    assert orders.rows("SELECT id, status, cancelled_by FROM orders ORDER BY id") == [
        (1, "pending", None), (2, "cancelled", "system"),
    ]  # fmt: skip


async def test_how_long_an_order_may_take_is_a_setting(
    shop: Shop, api: Api, orders: Orders
) -> None:
    leave_pending(orders, 1, age=1)
    shop.replace("settle_orders", ORDER_STUCK_SECONDS="0.5")

    await api.settle()

    assert orders.statuses() == {"cancelled": 1}


async def test_a_stuck_order_is_cancelled_announced_and_released(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    leave_pending(orders, 1, age=31)
    reservation_id = orders.value("SELECT reservation_id FROM orders")
    await api.reserve(reservation_id, [(1, 2)])

    await api.settle()

    assert (inventory.stock(1), inventory.differences()) == (5, [])
    assert orders.value("SELECT released_at >= cancelled_at FROM orders")
    ((name, _, data),) = orders.events()
    assert (name, data["cancelled_by"]) == ("order.cancelled", "system")


async def test_settled_orders_are_not_settled_again(api: Api, orders: Orders) -> None:
    leave_pending(orders, 3, age=31)
    await api.settle()
    before = orders.everything()

    await api.settle()

    assert orders.everything() == before


async def test_more_orders_than_a_batch_are_settled_at_once(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    leave_pending(orders, 130, age=60)

    await api.settle()

    assert orders.statuses() == {"cancelled": 130}
    assert orders.value("SELECT count(*) FROM orders WHERE released_at IS NULL") == 0
    assert inventory.value("SELECT count(*) FROM reservations WHERE status = 'released'") == 130


async def test_several_at_once_settle_each_order_once(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=100)
    leave_pending(orders, 80, age=60)
    for (reservation_id,) in orders.rows("SELECT reservation_id FROM orders WHERE id <= 40"):
        await api.reserve(reservation_id, [(1, 1)])

    answers = await asyncio.gather(*(api.settle() for _ in range(4)))
    await api.settle()

    assert {answer.status for answer in answers} == {204}
    assert orders.statuses() == {"cancelled": 80}
    assert len(orders.events("order.cancelled")) == 80
    assert orders.value("SELECT count(*) FROM orders WHERE released_at IS NULL") == 0
    assert (inventory.stock(1), inventory.differences()) == (100, [])


async def test_what_cannot_be_released_now_is_released_by_a_later_run(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    leave_pending(orders, 1, age=31)
    await api.reserve(orders.value("SELECT reservation_id FROM orders"), [(1, 2)])
    shop.replace("settle_orders", RELEASE_STOCK_URL="http://127.0.0.1:1")

    assert (await api.settle()).status == 204
    assert orders.row("SELECT status, released_at FROM orders") == ("cancelled", None)
    assert inventory.stock(1) == 3

    shop.restore()
    await api.settle()
    assert orders.value("SELECT released_at IS NOT NULL FROM orders")
    assert inventory.stock(1) == 5


@pytest.mark.parametrize(("refused", "released"), [(60, 70), (130, 0)])
async def test_orders_that_cannot_be_released_hold_up_no_others(
    shop: Shop, api: Api, orders: Orders, refused: int, released: int
) -> None:
    """However old they are; where none can be, it ends after some batches."""
    leave_pending(orders, 130, age=60)
    leave_pending(orders, 200 if not released else 0, age=50)
    ids = orders.rows("SELECT reservation_id::text FROM orders WHERE id <= %s", refused)
    asked: list[str] = []

    async def release(request: web.Request) -> web.Response:
        asked.append(request.match_info["id"])
        known = (request.match_info["id"],) not in ids
        return web.json_response({}, status=200 if known and released else 503)

    application = web.Application()
    application.router.add_post("/reservations/{id}/release", release)
    async with TestServer(application) as inventory:
        shop.replace("settle_orders", RELEASE_STOCK_URL=str(inventory.make_url("/")).rstrip("/"))
        answer = await api.settle()

    assert answer.status == 204
    done = orders.value("SELECT count(*) FROM orders WHERE released_at IS NOT NULL")
    assert (done, len(set(asked))) == (released, 130 if released else 150)


async def test_a_settle_amid_orders_on_their_way_sells_and_keeps_no_piece_twice(
    shop: Shop, api: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=50)
    shop.replace("settle_orders", ORDER_STUCK_SECONDS="0.001")

    answers = await asyncio.gather(
        *(api.order(1) for _ in range(40)), *(api.settle() for _ in range(12))
    )
    await api.settle()

    statuses = [answer.status for answer in answers[:40]]
    assert set(statuses) <= {201, 409}
    assert orders.statuses().get("confirmed", 0) == statuses.count(201)
    assert inventory.stock(1) == 50 - statuses.count(201)
    assert inventory.differences() == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({"ce-id": "1", "ce-type": "t", "ce-source": "s"}, b"{}"),
        ({"ce-specversion": "1.0", "ce-id": "", "ce-type": "t", "ce-source": "s"}, b"{}"),
        ({"Content-Type": "application/cloudevents+json"}, b"{"),
        ({"Content-Type": "application/cloudevents+json"}, b'{"specversion": "1.0"}'),
    ],
)
async def test_what_is_no_event_is_a_bad_request_and_settles_nothing(
    api: Api, orders: Orders, headers: dict[str, str], body: bytes
) -> None:
    leave_pending(orders, 1, age=60)

    answer = await api.send(
        "POST", api.shop["settle_orders"].address + "/", body=body, headers=headers
    )

    assert (answer.status, answer.problem) == (400, "bad-request")
    assert orders.statuses() == {"pending": 1}


async def test_an_event_in_structured_mode_is_one_too(api: Api, orders: Orders) -> None:
    leave_pending(orders, 1, age=60)
    event = {"specversion": "1.0", "id": "1", "type": "t", "source": "s", "data": {}}

    answer = await api.send(
        "POST", api.shop["settle_orders"].address + "/", body=json.dumps(event).encode(),
        headers={"Content-Type": "application/cloudevents+json"},
    )  # fmt: skip

    assert (answer.status, orders.statuses()) == (204, {"cancelled": 1})
