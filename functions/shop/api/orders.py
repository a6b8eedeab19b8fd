"""Orders, as they are placed and read."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, RootModel, Tag

from shop.api.fields import Id, Money, Quantity, Strict
from shop.api.products import Line, Lines
from shop.paging import Page

Status = Literal["pending", "confirmed", "rejected", "cancelled"]


class OneLine(Strict):
    """An order of one product."""

    product_id: Id
    quantity: Quantity


class ManyLines(Strict):
    """An order of several lines; lines of one product are added up."""

    items: Lines


def _form(document: Any) -> str:
    several = isinstance(document, ManyLines) or (
        isinstance(document, dict) and "items" in document
    )
    return "<ManyLines>" if several else "<OneLine>"


class NewOrder(
    RootModel[
        Annotated[
            Annotated[OneLine, Tag("<OneLine>")] | Annotated[ManyLines, Tag("<ManyLines>")],
            Discriminator(_form),
        ]
    ]
):
    """An order of one product (`product_id`, `quantity`) or of several (`items`)."""

    @property
    def lines(self) -> list[Line]:
        """The lines asked for."""
        if isinstance(self.root, ManyLines):
            return self.root.items
        return [Line(product_id=self.root.product_id, quantity=self.root.quantity)]


class OrderLine(BaseModel):
    """A line of an order; name and price are known once the order is confirmed."""

    product_id: int
    quantity: int
    name: str | None = None
    unit_price: Money | None = None


class Order(BaseModel):
    """An order. `product_id` and `quantity` are null where it has several lines."""

    id: int
    product_id: int | None
    quantity: int | None
    items: list[OrderLine]
    total_price: Money | None
    status: Status
    created_at: datetime


class TimelineEntry(BaseModel):
    """A step of the order's life."""

    status: Literal["pending", "confirmed", "rejected", "cancelled", "released"]
    at: datetime


class OrderWithTimeline(Order):
    """An order with what happened to it, oldest first."""

    timeline: list[TimelineEntry]
    rejection: Annotated[dict[str, Any] | None, Field(description="Why it was rejected.")]
    cancelled_by: Literal["customer", "system"] | None


class OrderQuery(Page):
    """Which orders."""

    status: Status | None = None
