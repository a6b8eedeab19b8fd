import pytest

from tests.support.shop import Api
from tests.support.tables import Inventory


async def test_a_product_is_shown_with_its_tag(api: Api, inventory: Inventory) -> None:
    inventory.add("Lamp", stock=45)
    inventory.run("UPDATE products SET version = 3")

    answer = await api.get("/products/1")

    assert (answer.status, answer.json["name"], answer.json["stock"]) == (200, "Lamp", 45)
    assert answer.headers["etag"] == '"3.45"'
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("tags", ['"1.10"', 'W/"1.10"', '"0.0", W/"1.10" , "x"', "*", " * "])
async def test_a_client_that_has_it_already_gets_304(
    api: Api, inventory: Inventory, tags: str
) -> None:
    inventory.add(stock=10)

    answer = await api.get("/products/1", headers={"If-None-Match": tags})

    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"1.10"')


@pytest.mark.parametrize("tags", ['"1.9"', '"2.10"', '"11.10"', '"1.1"', "1.10", "", '"1.10'])
async def test_a_client_that_has_another_state_gets_this_one(
    api: Api, inventory: Inventory, tags: str
) -> None:
    inventory.add(stock=10)

    answer = await api.get("/products/1", headers={"If-None-Match": tags})

    assert answer.status == 200


async def test_a_sale_changes_the_tag(api: Api, inventory: Inventory) -> None:
    inventory.add(stock=10)
    tag = (await api.get("/products/1")).headers["etag"]
    await api.order(1, 3)

    answer = await api.get("/products/1", headers={"If-None-Match": tag})

    assert (answer.status, answer.headers["etag"]) == (200, '"1.7"')


@pytest.mark.parametrize("id_", ["2", str(2**63 - 1)])
async def test_an_unknown_product_is_not_found(api: Api, inventory: Inventory, id_: str) -> None:
    inventory.add()

    answer = await api.get(f"/products/{id_}")

    assert (answer.status, answer.problem) == (404, "product-not-found")


@pytest.mark.parametrize(
    "id_", [str(2**63), "9" * 30, "0", "-1", "01", "1.0", "+1", "1e0", "%31%00", "x", "1/", ""]
)
async def test_what_is_no_id_is_not_found(api: Api, inventory: Inventory, id_: str) -> None:
    inventory.add()
    address = api.shop["get_product"].address

    answer = await api.send("GET", f"{address}/products/{id_}")

    assert (answer.status, answer.problem) == (404, "not-found")


async def test_a_deleted_product_is_not_found(api: Api, inventory: Inventory) -> None:
    inventory.add()
    await api.delete("/products/1")

    assert (await api.get("/products/1")).problem == "product-not-found"


async def test_head_answers_as_get_does_without_a_body(api: Api, inventory: Inventory) -> None:
    inventory.add()
    got = await api.get("/products/1")

    answer = await api.request("HEAD", "/products/1")

    assert (answer.status, answer.body) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert answer.headers[name] == got.headers[name]


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "MKCOL"])
async def test_another_method_is_refused(api: Api, inventory: Inventory, method: str) -> None:
    inventory.add()
    before = inventory.everything()

    answer = await api.send(method, api.shop["get_product"].address + "/products/1")

    assert (answer.status, answer.problem) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD"
    assert inventory.everything() == before
