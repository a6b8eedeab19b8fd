"""Products, as they are written and read."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from shop.api.fields import (
    Address,
    Description,
    Id,
    Label,
    Money,
    Name,
    Price,
    Quantity,
    Stock,
    Strict,
    Text,
)
from shop.paging import Page


class NewProduct(Strict):
    """A product to be put into the catalogue."""

    name: Name
    description: Description = ""
    price: Price
    stock: Stock = 0
    category: Label | None = None
    image_url: Address | None = None
    low_stock_threshold: Stock = 10


class ProductEdit(Strict):
    """A product's new state. What is left out keeps its value; `stock` is a stock-take."""

    name: Name
    price: Price
    # The defaults are never seen: the story looks at what was set.
    description: Description = ""
    stock: Stock = 0
    category: Label | None = None
    image_url: Address | None = None
    low_stock_threshold: Stock = 10


class Delivery(Strict):
    """Pieces that arrived."""

    quantity: Annotated[int, Field(ge=1, le=1_000_000_000, description="Pieces.")]


class Product(BaseModel):
    """A product of the catalogue."""

    id: int
    name: str
    description: str
    price: Money
    stock: int
    category: str | None
    image_url: str | None
    low_stock_threshold: int
    created_at: datetime
    updated_at: datetime


class Category(BaseModel):
    """A category that holds at least one product."""

    name: str


def _flag(value: object) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower(), value)


class ProductQuery(Page):
    """Which products, and in which order."""

    q: Annotated[Text | None, Field(max_length=200, description="Words, or their beginnings.")] = (
        None
    )
    category: Label | None = None
    in_stock: Annotated[bool | None, BeforeValidator(_flag)] = None
    sort: Literal["newest", "price", "-price", "name"] = "newest"


class Line(Strict):
    """Pieces of one product."""

    product_id: Id
    quantity: Quantity


Lines = Annotated[list[Line], Field(min_length=1, max_length=100)]


class ReservationRequest(Strict):
    """Lines to be taken from the stock, all or none, under the UUID of their order."""

    reservation_id: Annotated[UUID, BeforeValidator(lambda v: UUID(v) if isinstance(v, str) else v)]
    items: Lines


class PricedLine(BaseModel):
    """A line with the product's name and price at that moment."""

    product_id: int
    name: str
    quantity: int
    unit_price: Money


class Reservation(BaseModel):
    """A reservation that holds its stock."""

    reservation_id: UUID
    items: list[PricedLine]
    total_price: Money


class Release(BaseModel):
    """A released reservation, and the pieces that went back."""

    reservation_id: UUID
    status: Literal["released"]
    items: list[Line]
