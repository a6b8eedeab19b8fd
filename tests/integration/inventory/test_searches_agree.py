"""Whatever is sold, changed and asked for, a search answers what reading every product would."""

import random
from urllib.parse import urlencode

import pytest

from shop import catalogue
from tests.support.shop import Api
from tests.support.tables import Inventory

# Near enough for a page to be full now and then, and small, so that most searches go on from there.
_WINDOW = 40
_WORDS = ("amber", "ambush", "basalt", "copper", "copperas", "dune", "ember", "flint")
_ORDERS = {
    "newest": "id DESC", "price": "price, id", "-price": "price DESC, id DESC",
    "name": "lower(name), id",
}  # fmt: skip
_ASKED = ("amb", "amber", "bas", "cop", "copperas", "dune", "e", "flint", "nonesuch", "rare")


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let statements be made with a window of few products."""
    for made in (catalogue.search_near, catalogue.search_bound, catalogue.search_all):
        made.cache_clear()
    monkeypatch.setattr(catalogue, "SEARCH_WINDOW", _WINDOW)


def _fill(inventory: Inventory, chance: random.Random) -> None:
    """6,000 products: half are amber, some words stand together, and few products are rare."""
    for place in range(6_000):
        words = ["amber"] if place % 2 else [chance.choice(_WORDS[2 if place > 4_000 else 0 : 6])]
        words += chance.sample(_WORDS, chance.randint(0, 2))
        words += ["rare"] if place % 1_500 == 7 else []
        inventory.run(
            "INSERT INTO products (name, price, stock, category) VALUES (%s, %s, %s, %s)",
            " ".join(words), chance.randint(1, 60), place % 3, chance.choice(("East", "West")),
        )  # fmt: skip


def _change(inventory: Inventory, chance: random.Random) -> None:
    """Move products to the front and to the back of orders, and take some away."""
    for _ in range(150):
        change = chance.choice(
            (
                "name = 'aa ' || name", "name = 'Zz flint'", "price = price + 60", "price = 0.5",
                "description = 'basalt'", "deleted_at = now()", "category = 'East'",
            )
        )  # fmt: skip
        inventory.connection.execute(
            f"UPDATE products SET {change} WHERE id = %s", [chance.randint(1, 6_000)]
        )


@pytest.mark.parametrize("seed", range(3))
async def test_a_search_answers_what_reading_every_product_would(
    api: Api, inventory: Inventory, seed: int
) -> None:
    chance = random.Random(seed)
    with inventory.connection.transaction():
        _fill(inventory, chance)
        _change(inventory, chance)
    inventory.run("ANALYZE products")
    for _ in range(40):
        query = {"sort": chance.choice(list(_ORDERS)), "limit": str(chance.choice((3, 20, 100)))}
        words = chance.sample(_ASKED, chance.choice((1, 1, 2)))
        conditions = ["deleted_at IS NULL"]
        if chance.random() < 0.3:
            query["category"] = "West"
            conditions.append("category = 'West'")
        if chance.random() < 0.3:
            query["in_stock"] = "true"
            conditions.append("stock > 0")
        where, order = " AND ".join(conditions), _ORDERS[query["sort"]]
        behind = 0
        path = f"/products?{urlencode(query)}"
        if chance.random() < 0.5:
            # A cursor of a page without words, wherever that ends.
            answer = await api.get(path)
            behind = answer.json[-1]["id"]
            path = answer.headers["link"].partition(">")[0].removeprefix("<")
        path += f"&{urlencode({'q': ' '.join(words)})}"
        terms = " & ".join(f"{word}:*" for word in words)
        listed = [row[0] for row in inventory.connection.execute(
            f"SELECT id FROM products WHERE {where} ORDER BY {order}"
        )]  # fmt: skip
        matching = {row[0] for row in inventory.rows(
            "SELECT id FROM products WHERE search @@ to_tsquery('simple', %s)", terms
        )}  # fmt: skip
        first = listed.index(behind) + 1 if behind else 0
        expected = [product_id for product_id in listed[first:] if product_id in matching]

        found: list[int] = []
        for _ in range(3):
            answer = await api.get(path)
            found += [product["id"] for product in answer.json]
            if answer.next is None:
                break
            path = answer.headers["link"].partition(">")[0].removeprefix("<")

        assert found == expected[: len(found)], (words, query, behind)
        assert len(found) == min(len(expected), 3 * int(query["limit"])), (words, query, behind)
