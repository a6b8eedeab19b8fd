"""Each minute: cancel orders that are stuck on their way, and release what they may hold."""

import asyncio
from collections.abc import Mapping
from typing import Any

from shop import tracing
from shop.events import Received
from shop.model.orders import ORDER_STUCK_SECONDS
from shop.operation import event_handler
from shop.releasing import release
from shop.saga import CANCEL_STUCK, RELEASED, UNRELEASED
from shop.services import Services

_BATCH = 50
_MOST_BATCHES = 200
# Batches of which nothing could be released, one after the other: the inventory is away.
_MOST_IN_VAIN = 3


@event_handler(
    area="orders",
    summary="Settle orders that were left on their way",
    calls=("RELEASE_STOCK_URL",),
    zeros=(("order_settled_orders", "action", ("cancelled", "released")),),
)
async def settle_orders(_: Received, services: Services) -> Mapping[str, Any]:
    """Cancel first, release after: no crash between the two keeps or sells a piece twice.

    Batches skip rows that are locked, so that several of it may run at once.
    """
    cancelled = await _cancel_stuck(services)
    released = await _release_cancelled(services)
    services.telemetry.count("order_settled_orders", cancelled, action="cancelled")
    services.telemetry.count("order_settled_orders", released, action="released")
    return {"cancelled": cancelled, "released": released}


async def _cancel_stuck(services: Services) -> int:
    stuck_seconds = services.settings.seconds("ORDER_STUCK_SECONDS", ORDER_STUCK_SECONDS)
    total = 0
    for _ in range(_MOST_BATCHES):
        row = await services.database.row(
            CANCEL_STUCK,
            stuck_seconds=stuck_seconds,
            batch=_BATCH,
            traceparent=tracing.traceparent(),
        )
        total += row[0] if row else 0
        if row is None or row[0] < _BATCH:
            break
    return total


async def _release_cancelled(services: Services) -> int:
    """Try each once: one that cannot be released holds up no others. Where none can, end soon."""
    total = after = in_vain = 0
    for _ in range(_MOST_BATCHES):
        async with services.database.transaction() as transaction:
            rows = await transaction.rows(UNRELEASED, batch=_BATCH, after=after)
            outcomes = await asyncio.gather(
                *(release(services.client, reservation_id) for _, reservation_id in rows)
            )
            ids = [row[0] for row, done in zip(rows, outcomes, strict=True) if done]
            await transaction.row(RELEASED, ids=ids)
        total += len(ids)
        in_vain = 0 if ids else in_vain + 1
        if len(rows) < _BATCH or in_vain == _MOST_IN_VAIN:
            break
        after = rows[-1][0]
    return total
