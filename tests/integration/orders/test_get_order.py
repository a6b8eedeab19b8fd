import pytest

from tests.support.shop import Api
from tests.support.tables import Inventory, Orders


async def steps(api: Api) -> list[str]:
    timeline = (await api.get("/orders/1")).json["timeline"]
    moments = [entry["at"] for entry in timeline]
    assert moments == sorted(moments)
    return [entry["status"] for entry in timeline]


async def test_an_order_is_shown_as_it_was_answered(api: Api, inventory: Inventory) -> None:
    inventory.add()
    created = (await api.order(1, 2)).json

    shown = (await api.get("/orders/1")).json

    assert {name: shown[name] for name in created} == created
    assert (shown["rejection"], shown["cancelled_by"]) == (None, None)


async def test_its_timeline_tells_what_happened_to_it(api: Api, inventory: Inventory) -> None:
    inventory.add()
    await api.order(1)
    assert await steps(api) == ["pending", "confirmed"]

    await api.post("/orders/1/cancel")

    assert await steps(api) == ["pending", "confirmed", "cancelled", "released"]
    assert (await api.get("/orders/1")).json["cancelled_by"] == "customer"


async def test_a_rejected_order_says_why(api: Api, inventory: Inventory) -> None:
    inventory.add("Lamp", stock=0)
    refusal = (await api.order(1)).json

    order = (await api.get("/orders/1")).json

    assert (order["status"], order["rejection"]) == ("rejected", refusal)
    assert order["items"] == [{"product_id": 1, "quantity": 1}]
    assert (order["product_id"], order["quantity"], order["total_price"]) == (1, 1, None)
    assert await steps(api) == ["pending", "rejected"]


async def test_an_order_on_its_way_is_pending(api: Api, orders: Orders) -> None:
    orders.run(
        "INSERT INTO orders (reservation_id, items)"
        """ VALUES (gen_random_uuid(), '[{"product_id": 4, "quantity": 2}]')"""
    )

    order = (await api.get("/orders/1")).json

    assert (order["status"], order["product_id"], order["quantity"]) == ("pending", 4, 2)
    assert await steps(api) == ["pending"]


async def test_an_order_is_its_accounts_own(guarded: Api, inventory: Inventory) -> None:
    inventory.add()
    await guarded.order(1, account="ada")

    assert (await guarded.get("/orders/1", account="ada")).status == 200
    assert (await guarded.get("/orders/1", account="root", role="admin")).status == 200
    another = await guarded.get("/orders/1", account="bob")
    none = await guarded.get("/orders/2", account="bob")
    assert (another.status, another.problem) == (404, "order-not-found")
    assert another.body.replace(b"1", b"2") == none.body


@pytest.mark.parametrize(("id_", "problem"), [
    ("1", "order-not-found"), (str(2**63 - 1), "order-not-found"), (str(2**63), "not-found"),
    ("0", "not-found"), ("x", "not-found"),
])  # fmt: skip
async def test_what_is_not_there_is_not_found(api: Api, id_: str, problem: str) -> None:
    answer = await api.send("GET", f"{api.shop['get_order'].address}/orders/{id_}")

    assert (answer.status, answer.problem) == (404, problem)
