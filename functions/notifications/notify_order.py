"""Tell of what happens to orders."""

from collections.abc import Mapping, Sequence
from typing import Any

from shop.errors import BadRequest
from shop.events import (
    AskedLine,
    Event,
    OrderCancelled,
    OrderCreated,
    OrderRejected,
    Received,
    SoldLine,
)
from shop.inbox import read, shown, tell
from shop.operation import event_handler
from shop.services import Services

_EVENTS = (OrderCreated, OrderRejected, OrderCancelled)
_MOST_LINES = 3
_CANCELLED = {
    "customer": "cancelled by the customer",
    "system": "cancelled by the shop",
}


@event_handler(
    area="notifications",
    summary="Store notifications of order events",
    signed_events=True,
    zeros=shown(_EVENTS),
)
async def notify_order(received: Received, services: Services) -> Mapping[str, Any]:
    """Store one notification on each event of /shophub/orders, however often it comes."""
    event = read(received, _EVENTS)
    return await tell(received, services, event, *_words(event))


def _words(event: Event) -> tuple[str, str]:
    """Title and message."""
    match event:
        case OrderCreated():
            lines = _lines(event.items)
            message = f"Order {event.order_id}: {lines}, {event.total_price:.2f} in total"
            return "📧 Order created", message
        case OrderRejected():
            reason = event.reason.replace("-", " ")
            return "❌ Order rejected", f"Order {event.order_id}: {_lines(event.items)}, {reason}"
        case OrderCancelled():
            return "🚫 Order cancelled", f"Order {event.order_id}: {_CANCELLED[event.cancelled_by]}"
        case _:
            raise BadRequest(f"There are no words for {event.name}.")


def _lines(items: Sequence[AskedLine]) -> str:
    """`5 × Laptop, 1 × Mouse and 2 more`."""
    shown = [f"{item.quantity} × {_name(item)}" for item in items[:_MOST_LINES]]
    more = len(items) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _name(item: AskedLine) -> str:
    return item.name if isinstance(item, SoldLine) else f"product {item.product_id}"
