from tests.support.shop import Api
from tests.support.tables import Inventory


async def test_an_empty_catalogue_has_no_categories(api: Api) -> None:
    answer = await api.get("/categories")

    assert (answer.status, answer.json) == (200, [])


async def test_each_category_is_listed_once_and_by_name(api: Api, inventory: Inventory) -> None:
    for category in ("Lamps", "Books", None, "Lamps", "Chairs", "Books"):
        inventory.add(category=category)

    answer = await api.get("/categories")

    assert answer.json == [{"name": "Books"}, {"name": "Chairs"}, {"name": "Lamps"}]


async def test_products_without_a_category_are_in_none(api: Api, inventory: Inventory) -> None:
    inventory.add()

    assert (await api.get("/categories")).json == []


async def test_a_category_goes_with_its_last_product(api: Api, inventory: Inventory) -> None:
    inventory.add(category="Books")
    inventory.add(category="Books")
    inventory.add(category="Lamps")

    await api.delete("/products/1")
    await api.delete("/products/3")

    assert (await api.get("/categories")).json == [{"name": "Books"}]
