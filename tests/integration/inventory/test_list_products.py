import asyncio
import base64
import itertools
import json
from decimal import Decimal
from urllib.parse import quote

import pytest

from shop.catalogue import SEARCH_WINDOW
from tests.support.shop import Answer, Api
from tests.support.tables import Inventory


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [product["name"] for product in answer.json]


def fill(inventory: Inventory, count: int) -> None:
    """Products whose prices and names repeat, so that only the id makes an order total."""
    inventory.run(
        "INSERT INTO products (name, price, stock, category)"
        " SELECT 'Product ' || n %% 7, (n * 37) %% 11, n %% 3, CASE n %% 2 WHEN 0 THEN 'Even' END"
        " FROM generate_series(1, %s) n",
        count,
    )


async def test_an_empty_catalogue_is_an_empty_array(api: Api) -> None:
    answer = await api.get("/products")

    assert (answer.status, answer.body, answer.next) == (200, b"[]", None)
    assert answer.headers["content-type"] == "application/json"


async def test_products_are_shown_as_get_product_shows_them(api: Api) -> None:
    await api.post("/products", {"name": "Lamp", "price": 10, "category": "Light"})

    (listed,) = (await api.get("/products")).json

    assert listed == (await api.get("/products/1")).json


async def test_prices_keep_their_two_decimals(api: Api, inventory: Inventory) -> None:
    inventory.add(price="949.90")

    assert b'"price":949.90,' in (await api.get("/products")).body


async def test_the_newest_come_first(api: Api, inventory: Inventory) -> None:
    for name in ("first", "second", "third"):
        inventory.add(name)

    assert names(await api.get("/products")) == ["third", "second", "first"]
    assert names(await api.get("/products?sort=newest")) == ["third", "second", "first"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", ["b", "C", "a", "D"]),
        ("-price", ["D", "a", "C", "b"]),
        ("name", ["a", "b", "C", "D"]),
    ],
)
async def test_they_can_be_sorted(
    api: Api, inventory: Inventory, sort: str, expected: list[str]
) -> None:
    for name, price in (("C", "9.99"), ("a", "10.00"), ("D", "100.00"), ("b", "0.50")):
        inventory.add(name, price=price)

    assert names(await api.get(f"/products?sort={sort}")) == expected


async def test_a_page_has_50_products_unless_limit_says_otherwise(
    api: Api, inventory: Inventory
) -> None:
    fill(inventory, 501)

    for query, count in (("", 50), ("?limit=1", 1), ("?limit=500", 500)):
        answer = await api.get(f"/products{query}")
        assert (len(answer.json), answer.next is None) == (count, False)


async def test_a_last_page_that_is_full_links_to_no_other(api: Api, inventory: Inventory) -> None:
    fill(inventory, 10)

    assert (await api.get("/products?limit=10")).next is None


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "name"])
@pytest.mark.parametrize("filters", ["", "&category=Even", "&in_stock=true", "&q=product"])
async def test_pages_at_any_depth_have_each_product_once(
    api: Api, inventory: Inventory, sort: str, filters: str
) -> None:
    fill(inventory, 230)
    whole = (await api.get(f"/products?limit=500&sort={sort}{filters}")).json

    pages = await api.pages(f"/products?limit=7&sort={sort}{filters}")

    assert [product["id"] for page in pages for product in page] == [p["id"] for p in whole]
    assert {len(page) for page in pages[:-1]} == {7}


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "name"])
async def test_products_that_come_meanwhile_neither_hide_nor_repeat_others(
    api: Api, inventory: Inventory, sort: str
) -> None:
    fill(inventory, 100)
    there = {product_id for (product_id,) in inventory.rows("SELECT id FROM products")}
    seen: list[int] = []
    following: str | None = f"/products?limit=9&sort={sort}"
    while following is not None:
        answer, *_ = await asyncio.gather(
            api.get(following),
            *(api.post("/products", {"name": f"Product {n}", "price": n}) for n in range(3)),
        )
        seen += [product["id"] for product in answer.json]
        following = answer.next

    assert len(seen) == len(set(seen))
    assert there <= set(seen)


async def test_products_that_go_meanwhile_leave_no_gap(api: Api, inventory: Inventory) -> None:
    fill(inventory, 30)
    first = await api.get("/products?limit=10")
    for product in first.json[5:]:
        await api.delete(f"/products/{product['id']}")
    assert first.next is not None

    second = await api.get(first.next)

    assert [product["id"] for product in second.json] == list(range(20, 10, -1))


async def test_the_link_keeps_the_other_parameters_and_the_gateways_prefix(
    api: Api, inventory: Inventory
) -> None:
    fill(inventory, 10)
    path = "/products?q=pro&category=Even&in_stock=1&sort=price&limit=1"

    answer = await api.get(path, headers={"X-Forwarded-Prefix": "/api"})

    assert answer.headers["link"].startswith(f"</api{path}&after=")
    assert answer.headers["link"].endswith('>; rel="next"')


async def test_a_prefix_that_is_none_is_left_out(api: Api, inventory: Inventory) -> None:
    fill(inventory, 10)

    answer = await api.get("/products?limit=1", headers={"X-Forwarded-Prefix": "//evil.example>"})

    assert answer.headers["link"].startswith("</products?limit=1&after=")


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("lamp", ["Desk lamp", "Lamp"]),
        ("LAM", ["Desk lamp", "Lamp"]),
        ("desk la", ["Desk lamp"]),
        ("lamp de", ["Desk lamp"]),
        ("la desk", ["Desk lamp"]),
        ("bright", ["Lamp"]),
        ("furni", ["Oak chair"]),
        ("amp", []),
        ("oak lamp", []),
        ("%20%20", ["Oak chair", "Desk lamp", "Lamp"]),
        ("", ["Oak chair", "Desk lamp", "Lamp"]),
        ("%21%26%7C", []),
        ("_", []),
        ("'lamp'", ["Desk lamp", "Lamp"]),
        ("lamp%3A%2A%20%26%20%21desk", ["Desk lamp"]),
        ("o%5C'ak", []),
        ("%F0%9F%92%A1", []),
    ],
)
async def test_q_finds_words_by_their_beginnings(
    api: Api, inventory: Inventory, q: str, expected: list[str]
) -> None:
    inventory.add("Lamp", description="Bright & warm")
    inventory.add("Desk lamp")
    inventory.add("Oak chair", category="Furniture")

    assert names(await api.get(f"/products?q={q.replace(' ', '+')}")) == expected


@pytest.mark.parametrize(
    "q", ["3.5", "3.5+jack", "usb-c", "usb", "usb-c+3.5", "x20", "caf%C3%A9", "%C3%A9"]
)
async def test_q_finds_numbers_compounds_and_accents_as_they_are_written(
    api: Api, inventory: Inventory, q: str
) -> None:
    inventory.add("Cable USB-C to 3.5 mm jack, X200, café étui")
    inventory.add("Something else")

    assert len(names(await api.get(f"/products?q={q}"))) == 1


@pytest.mark.parametrize("sort", ["newest", "price", "-price", "name"])
@pytest.mark.parametrize("q", ["even", "seldom"])
async def test_q_finds_what_is_far_behind_in_the_order_too(
    api: Api, inventory: Inventory, sort: str, q: str
) -> None:
    count = 2 * SEARCH_WINDOW + 100
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT CASE WHEN n %% 1500 = 0 THEN 'Seldom '"
        " WHEN n %% 2 = 0 THEN 'Even ' ELSE 'Odd ' END || n %% 19, (n * 37) %% 1009, n %% 3"
        " FROM generate_series(1, %s) n",
        count,
    )
    whole = inventory.value("SELECT count(*) FROM products WHERE name ILIKE %s", q + "%")

    pages = await api.pages(f"/products?limit=500&sort={sort}&q={q}")

    found = [product["id"] for page in pages for product in page]
    assert (len(found), len(set(found))) == (whole, whole)
    ordered = {
        "newest": "id DESC", "price": "price, id", "-price": "price DESC, id DESC",
        "name": "lower(name), id",
    }[sort]  # fmt: skip
    assert found == [
        product_id
        for (product_id,) in inventory.rows(
            f"SELECT id FROM products WHERE name ILIKE %s ORDER BY {ordered}",
            q + "%",
        )
    ]


@pytest.mark.parametrize("foremost", [(), (("Aa zither", 1), ("Aa zither", 1000))])
async def test_q_finds_a_common_word_that_stands_together_far_behind_in_each_order(
    api: Api, inventory: Inventory, foremost: tuple[tuple[str, int], ...]
) -> None:
    """12,000 zithers behind 2,100 accordions: from where the word begins in the order.

    Where some stand in front of all, as far as a sample says that a page reaches.
    """
    inventory.run(
        "INSERT INTO products (name, price, stock, category) SELECT"
        " CASE WHEN n <= 12000 THEN 'Zither ' ELSE 'Accordion ' END || n %% 19,"
        " CASE WHEN n <= 12000 THEN 500 WHEN n <= 14100 THEN 100 ELSE 900 END + n %% 97, n %% 5,"
        " CASE WHEN n %% 3 = 0 THEN 'strings' ELSE 'music' END FROM generate_series(1, %s) n",
        16_200,
    )
    for name, price in foremost:
        inventory.add(name, price=str(price), stock=1, category="strings")
    orders = {
        "newest": "id DESC", "price": "price, id", "-price": "price DESC, id DESC",
        "name": "lower(name), id",
    }  # fmt: skip
    filters = {"": "true", "&in_stock=true": "stock > 0", "&category=strings": "category='strings'"}
    for (sort, order), (chosen, condition) in itertools.product(orders.items(), filters.items()):
        expected = inventory.rows(
            f"SELECT id FROM products WHERE name ILIKE '%%zither%%' AND {condition}"
            f" ORDER BY {order} LIMIT %s",
            300,
        )
        found = []
        path = f"/products?limit=150&q=zither&sort={sort}{chosen}"
        for _ in range(2):
            answer = await api.get(path)
            found += [product["id"] for product in answer.json]
            path = answer.headers["link"].partition(">")[0].removeprefix("<")

        assert found == [product_id for (product_id,) in expected], (sort, chosen)


WORDS = (
    "Teapot", "Teapots", "Tea", "tea-pot", "USB-C", "usb", "3.5mm", "3.5", "Käse", "KÄSEBROT",
    "x²", "it's", "C:\\\\temp", "foo_bar", "http://a.example/c'd\\\\e", "日本", "a.example",
)  # fmt: skip


@pytest.mark.parametrize(
    "q", [
        "tea", "teapot", "teapots", "tea pot", "tea-pot", "tea-p", "usb", "usb-", "usb-c", "usb-x",
        "3", "3.5", "3.5m", "käse", "kÄseb", "x²", "x", "it's", "it'", "c:", "foo", "foo_", "_",
        "foo _", "a.example", "a.ex", "http://a.example/c", "日", "日本", "n", "nonesuch",
        "tea none",
    ]
)  # fmt: skip
async def test_words_behind_the_window_are_found_as_those_within_it_are(
    api: Api, inventory: Inventory, q: str
) -> None:
    """There the words that go on are looked up first; what is found stays the same."""
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT word || ' and n' || i, 1, 0"
        " FROM unnest(%s::text[]) word, generate_series(1, 2) i",
        list(WORDS),
    )
    asked = " & ".join(f"'{word}':*" for word in q.replace("'", " ").split())
    expected = inventory.rows(
        "SELECT id FROM products WHERE search @@ to_tsquery('simple', %s) ORDER BY id DESC", asked
    )
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT 'Filler', 1, 0"
        " FROM generate_series(1, %s)",
        SEARCH_WINDOW,
    )

    answer = await api.get(f"/products?limit=100&q={quote(q)}")

    assert [product["id"] for product in answer.json] == [row[0] for row in expected]


async def test_a_word_that_a_product_is_given_later_is_known(
    api: Api, inventory: Inventory
) -> None:
    await api.post("/products", {"name": "Lamp", "price": 10, "stock": 5})
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT 'Filler', 1, 0"
        " FROM generate_series(1, %s)",
        SEARCH_WINDOW,
    )

    await api.put("/products/1", {"name": "Lantern", "price": 10})

    assert names(await api.get("/products?q=lant")) == ["Lantern"]
    assert names(await api.get("/products?q=lamp")) == []


ORDERS: dict[str, tuple[dict[str, object], str]] = {
    "newest": ({}, "id DESC"),
    "price": ({"price": 1}, "price, id"),
    "-price": ({"price": 900}, "price DESC, id DESC"),
    "name": ({"name": "A lantern"}, "lower(name), id"),
}


@pytest.mark.parametrize("sort", ORDERS)
async def test_a_product_that_is_moved_before_all_others_of_its_word_is_found(
    api: Api, inventory: Inventory, sort: str
) -> None:
    """The places at which words begin follow what is added and edited."""
    for name in ("Red lantern", "Tall lantern"):
        await api.post("/products", {"name": name, "price": 500})
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT 'Filler', 100 + n %% 2 * 700, 0"
        " FROM generate_series(1, %s) n",
        2 * SEARCH_WINDOW,
    )
    change, order = ORDERS[sort]

    if change:
        await api.put("/products/2", {"name": "Tall lantern", "price": 500, **change})
    else:
        inventory.value("SELECT setval('products_id_seq', 40000)")
        await api.post("/products", {"name": "Lantern", "price": 500})

    expected = inventory.rows(
        f"SELECT id FROM products WHERE name ILIKE '%%lantern' ORDER BY {order}"
    )
    answer = await api.get(f"/products?q=lantern&sort={sort}")
    assert [product["id"] for product in answer.json] == [row[0] for row in expected]
    assert len(expected) == (2 if change else 3)


@pytest.mark.parametrize("sort", ORDERS)
async def test_a_cursor_that_stands_before_the_first_of_a_word_leads_to_it(
    api: Api, inventory: Inventory, sort: str
) -> None:
    inventory.add("Zither", price="500")
    for name, price in (("Accordion", 1), ("Bell", 900), ("Cymbal", 950)):
        inventory.add(name, price=str(price))
    first = await api.get(f"/products?limit=1&sort={sort}")
    path = first.headers["link"].partition(">")[0].removeprefix("<")

    assert names(await api.get(f"{path}&q=zither")) == ["Zither"]
    assert names(await api.get(f"{path}&q=nonesuch")) == []


@pytest.mark.parametrize("sort", ORDERS)
async def test_a_word_whose_place_is_not_known_yet_is_looked_for_everywhere(
    api: Api, inventory: Inventory, sort: str
) -> None:
    inventory.add("Zither", price="500")
    inventory.run(
        "UPDATE known_words SET bounded = false, highest_id = 0, first_name = 'zzz',"
        " lowest_price = 900, highest_price = 1"
    )

    assert names(await api.get(f"/products?sort={sort}&q=zither")) == ["Zither"]


async def test_a_beginning_of_very_many_words_finds_all_of_them(
    api: Api, inventory: Inventory
) -> None:
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT 'Part w' || n, 1, 0"
        " FROM generate_series(1, 100) n"
    )
    inventory.run(
        "INSERT INTO products (name, price, stock) SELECT 'Filler', 1, 0"
        " FROM generate_series(1, %s)",
        SEARCH_WINDOW,
    )

    assert len((await api.get("/products?limit=500&q=part+w")).json) == 100
    assert len((await api.get("/products?limit=500&q=w1")).json) == 12


async def test_they_can_be_filtered_by_category(api: Api, inventory: Inventory) -> None:
    inventory.add("a", category="Toys & Games")
    inventory.add("b", category="Toys")
    inventory.add("c")

    assert names(await api.get("/products?category=Toys%20%26%20Games")) == ["a"]
    assert names(await api.get("/products?category=toys")) == []


@pytest.mark.parametrize(
    ("value", "expected"), [("true", ["a"]), ("1", ["a"]), ("false", ["b"]), ("0", ["b"])]
)
async def test_they_can_be_filtered_by_stock(
    api: Api, inventory: Inventory, value: str, expected: list[str]
) -> None:
    inventory.add("a", stock=1)
    inventory.add("b", stock=0)

    assert names(await api.get(f"/products?in_stock={value}")) == expected


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=501", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=1.5", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=%D9%A1", ["limit"]),
        ("limit=99999999999999999999", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("sort=stock", ["sort"]),
        ("sort=", ["sort"]),
        ("in_stock=yes", ["in_stock"]),
        ("in_stock=", ["in_stock"]),
        ("category=", ["category"]),
        ("category=%00", ["category"]),
        ("q=%00", ["q"]),
        ("q=" + "x" * 201, ["q"]),
        ("colour=red&size=1", ["colour", "size"]),
        ("limit=0&sort=x", ["limit", "sort"]),
        ("after=", ["after"]),
        ("after=x", ["after"]),
        ("after=%00", ["after"]),
        ("after=" + "A" * 2001, ["after"]),
        ("after=" + cursor("1"), ["after"]),
        ("after=" + cursor(*[True]), ["after"]),
        ("after=" + cursor(2**63), ["after"]),
        ("after=" + cursor(1, 2), ["after"]),
        ("after=" + cursor(), ["after"]),
        ("after=" + cursor({"a": 1}), ["after"]),
        ("sort=price&after=" + cursor(5), ["after"]),
        ("sort=price&after=" + cursor("NaN", 5), ["after"]),
        ("sort=price&after=" + cursor("Infinity", 5), ["after"]),
        ("sort=price&after=" + cursor("1e999", 5), ["after"]),
        ("sort=price&after=" + cursor("x", 5), ["after"]),
        ("sort=name&after=" + cursor("a\x00", 5), ["after"]),
        ("sort=name&after=" + cursor("\ud800", 5), ["after"]),
        ("sort=name&after=" + cursor(1, 5), ["after"]),
    ],
)
async def test_each_parameter_that_does_not_hold_is_named(
    api: Api, query: str, fields: list[str]
) -> None:
    answer = await api.get(f"/products?{query}")

    assert answer.fields == fields


@pytest.mark.parametrize("query", ["q=%FF", "q=%ED%A0%80", "&".join(f"a{n}=1" for n in range(60))])
async def test_a_query_that_cannot_be_read_is_a_bad_request(api: Api, query: str) -> None:
    answer = await api.get(f"/products?{query}")

    assert (answer.status, answer.problem) == (400, "bad-request")


async def test_a_cursor_of_the_largest_key_is_just_a_last_page(
    api: Api, inventory: Inventory
) -> None:
    inventory.add(price="1000000000.00")
    inventory.add(price=str(Decimal(1)))

    answer = await api.get(f"/products?sort=price&after={cursor('1000000000.00', 2**63 - 1)}")

    assert (answer.status, answer.json) == (200, [])
