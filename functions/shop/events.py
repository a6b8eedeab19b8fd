"""The events of the shop: public contracts, one dataclass each.

On the wire an event is a CloudEvent 1.0 whose data is the dataclass as JSON; its JSON Schema
stands in `eventing/schemas/` under the event's type. Prices are JSON numbers, exact to two
decimals; times are RFC 3339 in UTC; ids are integers.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from urllib.parse import unquote

from cloudevents.exceptions import GenericException
from cloudevents.http import CloudEvent, from_http

from shop.errors import BadRequest

PREFIX = "com.shophub."
SCHEMAS = "https://shophub.example/schemas/"
# By area, and the topic that each source's events are published to.
SOURCES: Mapping[str, str] = {"inventory": "/shophub/inventory", "orders": "/shophub/orders"}
TOPICS: Mapping[str, str] = {
    SOURCES["inventory"]: "inventory-events",
    SOURCES["orders"]: "order-events",
}
DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events; `name` is the type without prefix and version."""

    name: ClassVar[str]
    aggregate: ClassVar[str]

    @classmethod
    def type(cls) -> str:
        """The CloudEvents `type`."""
        return f"{PREFIX}{cls.name}.v1"

    @classmethod
    def source(cls) -> str:
        """The CloudEvents `source`."""
        return SOURCES["orders" if cls.aggregate == "orders" else "inventory"]

    @classmethod
    def members(cls) -> tuple[str, ...]:
        """The names of the data's members."""
        return tuple(field.name for field in fields(cls))


@dataclass(frozen=True, slots=True)
class ProductCreated(Event):
    """A product was put into the catalogue, with its first stock."""

    name: ClassVar[str] = "product.created"
    aggregate: ClassVar[str] = "products"
    product_id: int
    product: str
    price: Decimal
    stock: int
    category: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProductUpdated(Event):
    """A product's catalogue entry was edited, or its stock changed by other than a sale."""

    name: ClassVar[str] = "product.updated"
    aggregate: ClassVar[str] = "products"
    product_id: int
    product: str
    price: Decimal
    stock: int
    version: int
    cause: Literal["edit", "restock", "release"]


@dataclass(frozen=True, slots=True)
class ProductStockLow(Event):
    """A product's stock crossed its threshold downwards; once per crossing."""

    name: ClassVar[str] = "product.stock_low"
    aggregate: ClassVar[str] = "products"
    product_id: int
    product: str
    stock: int
    low_stock_threshold: int


@dataclass(frozen=True, slots=True)
class ProductDeleted(Event):
    """A product left the catalogue."""

    name: ClassVar[str] = "product.deleted"
    aggregate: ClassVar[str] = "products"
    product_id: int
    product: str


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A line of an order as it was asked for."""

    product_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class SoldLine(AskedLine):
    """A line of a confirmed order, with the product's name and price at that moment."""

    name: str
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class OrderCreated(Event):
    """An order was confirmed: its stock is taken and its prices are fixed."""

    name: ClassVar[str] = "order.created"
    aggregate: ClassVar[str] = "orders"
    order_id: int
    items: list[SoldLine]
    total_price: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRejected(Event):
    """An order could not be confirmed; `reason` is the problem's type, e.g. insufficient-stock."""

    name: ClassVar[str] = "order.rejected"
    aggregate: ClassVar[str] = "orders"
    order_id: int
    items: list[AskedLine]
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrderCancelled(Event):
    """An order was cancelled; what it had reserved is released.

    `cancelled_by` is `customer`, or `system` where the shop did it: the order was stuck on its
    way, or an admin called it off.
    """

    name: ClassVar[str] = "order.cancelled"
    aggregate: ClassVar[str] = "orders"
    order_id: int
    items: list[AskedLine]
    cancelled_by: Literal["customer", "system"]
    created_at: datetime


EVENTS: tuple[type[Event], ...] = (
    ProductCreated,
    ProductUpdated,
    ProductStockLow,
    ProductDeleted,
    OrderCreated,
    OrderRejected,
    OrderCancelled,
)
BY_TYPE: Mapping[str, type[Event]] = {event.type(): event for event in EVENTS}


def short_name(event_type: str) -> str:
    """An event's name as metrics and lists show it; `other` for a type that is not the shop's."""
    event = BY_TYPE.get(event_type)
    return "other" if event is None else event.name


def _as_it_came(data: bytes | str) -> bytes | str:
    return data


@dataclass(frozen=True, slots=True)
class Received:
    """A CloudEvent as it came in; `attributes` are all of its context attributes.

    `body` is the data as it came. `arrived` is the reading of time.perf_counter then.
    """

    id: str
    source: str
    type: str
    body: bytes
    attributes: Mapping[str, Any]
    arrived: float

    @classmethod
    def from_http(cls, headers: Mapping[str, str], body: bytes) -> "Received":
        """Read a CloudEvent in binary or structured mode; BadRequest where it is none."""
        arrived = time.perf_counter()
        try:
            event: CloudEvent = from_http(headers, body, data_unmarshaller=_as_it_came)
        except (GenericException, ValueError, TypeError, AttributeError) as error:
            raise BadRequest(f"This is not a CloudEvent: {error}") from None
        attributes = dict(event.get_attributes())
        if "ce-specversion" in headers:
            attributes = {name: unquote(value) for name, value in attributes.items()}
        names = [attributes[name] for name in ("id", "source", "type")]
        if not all(isinstance(name, str) and name for name in names):
            raise BadRequest("This is not a CloudEvent: id, source and type must be texts.")
        data = event.get_data()
        raw = data.encode() if isinstance(data, str) else data or b""
        return cls(names[0], names[1], names[2], raw, attributes, arrived)

    @property
    def data(self) -> Any:
        """The data as JSON, its fractional numbers as Decimal; BadRequest where it is none."""
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError):
            raise BadRequest("The event's data is not JSON.") from None

    @property
    def subject(self) -> str:
        """The aggregate that the event tells of, such as `products/1`; may be empty."""
        return str(self.attributes.get("subject") or "")

    @property
    def time(self) -> datetime | None:
        """When the event's transaction committed, in UTC; None where its producer does not say."""
        text = self.attributes.get("time")
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            # PostgreSQL knows no offset of 16 hours or more.
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            return None
