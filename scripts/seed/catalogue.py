"""The sample catalogue: what `catalogue.toml` holds, and in which order it enters the shop."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

CATALOGUE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class Product:
    """A product as the catalogue describes it, `price` exact to two decimals."""

    slug: str
    name: str
    category: str
    price: Decimal
    stock: int
    description: str
    low_stock_threshold: int | None = None

    @property
    def picture(self) -> str:
        """The path of the picture below the storefront's origin."""
        return f"/pictures/{self.slug}.svg"

    def request(self) -> dict[str, str | int | float]:
        """Build the body of POST /products.

        The price becomes a float only here, for the JSON encoder: it writes the shortest number
        that reads back the same, so two decimals arrive as two decimals.
        """
        body: dict[str, str | int | float] = {
            "name": self.name,
            "description": self.description,
            "price": float(self.price),
            "stock": self.stock,
            "category": self.category,
            "image_url": self.picture,
        }
        if self.low_stock_threshold is not None:
            body["low_stock_threshold"] = self.low_stock_threshold
        return body


def load_catalogue(path: Path = CATALOGUE) -> list[Product]:
    """Read the products in the order of the file."""
    data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return [Product(**entry) for entry in data["products"]]


def shelved(products: Iterable[Product]) -> list[Product]:
    """Order the products so that, created like this, the shop's first page is a mixed one.

    The file is sorted by category, and the shop lists the newest first: taking one product of each
    category in turn, last ones first, puts the first product of every category on the first page.
    """
    by_category: defaultdict[str, list[Product]] = defaultdict(list)
    for product in products:
        by_category[product.category].append(product)
    rounds = zip_longest(*by_category.values())
    mixed = [product for turn in rounds for product in turn if product is not None]
    return mixed[::-1]
