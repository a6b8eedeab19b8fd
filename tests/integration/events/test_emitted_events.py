"""What the functions write into their outboxes, against the schemas of the events."""

import json
from typing import Any

import jsonschema

from shop.events import EVENTS, PREFIX
from shop.schemas import FOLDER
from tests.support.shop import Api
from tests.support.tables import Inventory, Orders


def check(events: list[tuple[str, str, dict[str, Any]]]) -> set[str]:
    """Hold each event against its schema; the types seen."""
    for name, _, data in events:
        schema = json.loads((FOLDER / f"{PREFIX}{name}.v1.json").read_text())
        jsonschema.validate(
            data, schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        assert list(data) == schema["required"]
    return {name for name, _, _ in events}


async def test_every_event_that_is_emitted_fits_its_schema(
    api: Api, inventory: Inventory, orders: Orders
) -> None:
    laptop = {"name": "Laptop", "price": 999.99, "stock": 50, "category": "Computers"}
    await api.post("/products", laptop)
    await api.post("/products", {"name": "Gift", "price": 0})
    await api.order(1, 5)
    await api.order(1, 38)
    await api.order(1, 500)
    await api.post("/orders/1/cancel")
    await api.post("/products/1/stock", {"quantity": 3})
    await api.put("/products/1", {"name": "Laptop", "price": 949.99, "stock": 50})
    await api.delete("/products/2")
    orders.run(
        "INSERT INTO orders (reservation_id, items, created_at) VALUES"
        " (gen_random_uuid(), '[{\"product_id\": 1, \"quantity\": 1}]', '2026-01-01')"
    )
    await api.settle()

    seen = check(inventory.events()) | check(orders.events())

    assert seen == {event.name for event in EVENTS}
    causes = {data["cause"] for _, _, data in inventory.events("product.updated")}
    assert causes == {"edit", "restock", "release"}
    assert {data["cancelled_by"] for _, _, data in orders.events("order.cancelled")} == {
        "customer",
        "system",
    }
