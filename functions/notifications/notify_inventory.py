"""Tell of what happens to products."""

from collections.abc import Mapping
from typing import Any

from shop.errors import BadRequest
from shop.events import (
    Event,
    ProductCreated,
    ProductDeleted,
    ProductStockLow,
    ProductUpdated,
    Received,
)
from shop.inbox import read, shown, tell
from shop.operation import event_handler
from shop.services import Services

_EVENTS = (ProductCreated, ProductUpdated, ProductStockLow, ProductDeleted)


@event_handler(
    area="notifications",
    summary="Store notifications of product events",
    signed_events=True,
    zeros=shown(_EVENTS),
)
async def notify_inventory(received: Received, services: Services) -> Mapping[str, Any]:
    """Store one notification on each event of /shophub/inventory, however often it comes."""
    event = read(received, _EVENTS)
    return await tell(received, services, event, *_words(event))


def _words(event: Event) -> tuple[str, str]:
    """Title and message."""
    match event:
        case ProductCreated():
            return "📦 New product added", f"{event.product}: {_stock(event)}"
        case ProductUpdated(cause="restock"):
            return "🔄 Product updated", f"{event.product}: restocked, {_stock(event)}"
        case ProductUpdated(cause="release"):
            return "🔄 Product updated", f"{event.product}: pieces came back, {_stock(event)}"
        case ProductUpdated():
            return "🔄 Product updated", f"{event.product}: {_stock(event)}"
        case ProductStockLow():
            left = f"{event.stock} left, threshold {event.low_stock_threshold}"
            return "⚠️ Low stock", f"{event.product}: {left}"
        case ProductDeleted():
            return "🗑️ Product deleted", event.product
        case _:
            raise BadRequest(f"There are no words for {event.name}.")


def _stock(event: ProductCreated | ProductUpdated) -> str:
    return f"{event.stock} in stock at {event.price:.2f}"
