import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from seed.catalogue import Product, load_catalogue, shelved
from shop.api.products import NewProduct

PICTURES = Path(__file__).parents[3] / "frontend" / "public" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "g", "path", "circle", "ellipse", "rect", "radialGradient", "stop"}
CATALOGUE = load_catalogue()


@pytest.fixture(params=CATALOGUE, ids=lambda product: product.slug)
def product(request: pytest.FixtureRequest) -> Product:
    chosen: Product = request.param
    return chosen


def test_an_entry_fulfils_the_bounds_of_the_api(product: Product) -> None:
    body = json.loads(json.dumps(product.request()), parse_float=Decimal)

    accepted = NewProduct.model_validate(body)

    assert accepted.name == product.name
    assert accepted.price == product.price
    assert accepted.stock == product.stock


def test_an_entry_reads_like_a_shops(product: Product) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", product.slug)
    assert isinstance(product.price, Decimal)
    assert product.price.as_tuple().exponent == -2
    assert 0 <= product.stock <= 400
    assert 1 <= len(re.findall(r"[.!?](?= |$)", product.description)) <= 3
    assert "  " not in product.description


def test_a_picture_is_small_and_holds_nothing_but_shapes(product: Product) -> None:
    file = PICTURES / f"{product.slug}.svg"
    text = file.read_text(encoding="utf-8")
    root = ET.fromstring(text)  # noqa: S314 - a file of this repository

    assert product.picture == f"/pictures/{file.name}"
    assert file.stat().st_size < 4096
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == "0 0 480 480"
    assert "<!" not in text
    assert "<?" not in text
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in SHAPES
        for name, value in element.attrib.items():
            assert not name.startswith(("on", "style"))
            assert "href" not in name
            assert "url(" not in value or value == f"url(#shadow-{product.slug})"


def test_every_picture_belongs_to_a_product() -> None:
    slugs = {product.slug for product in CATALOGUE}

    assert {file.stem for file in PICTURES.iterdir()} == slugs


def test_the_catalogue_is_that_of_a_whole_shop() -> None:
    stocks = [product.stock for product in CATALOGUE]

    assert len(CATALOGUE) == 40
    assert len({product.name for product in CATALOGUE}) == 40
    assert len({product.slug for product in CATALOGUE}) == 40
    assert 6 <= len({product.category for product in CATALOGUE}) <= 8
    assert 1 <= sum(stock == 0 for stock in stocks) <= 2
    assert 2 <= sum(1 <= stock <= 5 for stock in stocks) <= 3


def test_the_first_page_shows_every_category_before_it_repeats_one() -> None:
    newest_first = shelved(CATALOGUE)[::-1]
    categories = list(dict.fromkeys(product.category for product in CATALOGUE))

    assert Counter(newest_first) == Counter(CATALOGUE)
    assert [product.category for product in newest_first[: len(categories)]] == categories
