from typing import Any

import pytest

from tests.support.notifications import Notifications, Told

MOMENT = "2026-01-02T03:04:05.000006Z"


def sold(product_id: int, name: str, quantity: int) -> dict[str, Any]:
    return {"product_id": product_id, "name": name, "quantity": quantity, "unit_price": 999.99}


def asked(product_id: int, quantity: int) -> dict[str, Any]:
    return {"product_id": product_id, "quantity": quantity}


@pytest.mark.parametrize(
    ("name", "data", "title", "message"),
    [
        (
            "order.created",
            {"items": [sold(1, "Laptop", 5)], "total_price": 4999.95},
            "📧 Order created",
            "Order 7: 5 × Laptop, 4999.95 in total",
        ),
        (
            "order.created",
            {"items": [sold(i, f"P{i}", i) for i in range(1, 6)], "total_price": 15},
            "📧 Order created",
            "Order 7: 1 × P1, 2 × P2, 3 × P3 and 2 more, 15.00 in total",
        ),
        (
            "order.rejected",
            {"items": [asked(1, 5)], "reason": "insufficient-stock"},
            "❌ Order rejected",
            "Order 7: 5 × product 1, insufficient stock",
        ),
        (
            "order.cancelled",
            {"items": [sold(1, "Laptop", 5)], "cancelled_by": "customer"},
            "🚫 Order cancelled",
            "Order 7: cancelled by the customer",
        ),
        (
            "order.cancelled",
            {"items": [asked(1, 5)], "cancelled_by": "system"},
            "🚫 Order cancelled",
            "Order 7: cancelled by the shop",
        ),
    ],
)
async def test_each_event_is_told_of_in_its_own_words(
    told: Told,
    notifications: Notifications,
    name: str,
    data: dict[str, Any],
    title: str,
    message: str,
) -> None:
    whole = {"order_id": 7, "created_at": MOMENT} | data

    answer = await told.send("notify_order", name, whole, source="/shophub/orders")

    assert (answer.status, answer.body) == (204, b"")
    assert notifications.told() == [(name, title, message)]


async def test_money_beyond_what_a_float_holds_is_told_exactly(
    told: Told, notifications: Notifications
) -> None:
    data = (
        f'{{"order_id": 7, "created_at": "{MOMENT}", "total_price": 9999999999999999.99,'
        ' "items": [{"product_id": 1, "name": "A", "quantity": 1, "unit_price": 0.1}]}'
    )

    await told.send("notify_order", "order.created", data.encode())

    assert notifications.told()[0][2] == "Order 7: 1 × A, 9999999999999999.99 in total"


@pytest.mark.parametrize(
    "data",
    [
        {"items": [{"product_id": 1}], "reason": "x"},
        {"items": {}, "reason": "x"},
        {"items": [asked(1, 1)]},
        {"items": [asked(1, 1)], "reason": "x", "order_id": "seven"},
    ],
)
async def test_what_does_not_fit_is_refused_for_good(
    told: Told, notifications: Notifications, data: dict[str, Any]
) -> None:
    whole = {"order_id": 7, "created_at": MOMENT} | data

    answer = await told.send("notify_order", "order.rejected", whole)

    assert answer.status == 400
    assert notifications.told() == []
