"""POST /orders/{id}/cancel: call an order off."""

from contextlib import suppress

from shop import tracing
from shop.api.orders import Order
from shop.database import Executor
from shop.errors import DependencyDown, KeyReused, OrderNotCancellable, OrderNotFound
from shop.idempotency import IdempotencyKeys
from shop.model.orders import idempotency_keys
from shop.operation import Call, Reply, operation
from shop.order_reads import STORED_FOR_CALLER
from shop.releasing import release
from shop.saga import CANCEL, RELEASED

_KEYS = IdempotencyKeys(idempotency_keys)


@operation(
    "POST",
    "/orders/{id}/cancel",
    area="orders",
    summary="Cancel an order",
    access="customer",
    answer=Order,
    errors=(OrderNotFound, OrderNotCancellable, KeyReused),
    keyed=True,
    calls=("RELEASE_STOCK_URL",),
)
async def cancel_order(call: Call[None]) -> Reply:
    """Cancel the order, then give its stock back; cancelling it again changes nothing.

    Once the cancel is committed it stands: should the release or its stamp fail, settle_orders
    repeats them.
    """
    reservations = []

    async def cancel(database: Executor) -> Reply:
        row = await database.row(
            CANCEL,
            id=call.id,
            **call.ownership,
            traceparent=tracing.traceparent(),
        )
        if row is not None:
            document, reservation_id = row
            reservations.append(reservation_id)
            return Reply.json(document)
        stored = await database.row(STORED_FOR_CALLER, id=call.id, **call.ownership)
        if stored is None:
            raise OrderNotFound(f"There is no order {call.id}.")
        status, document, _, _ = stored
        if status != "cancelled":
            raise OrderNotCancellable(f"Order {call.id} is {status}.")
        return Reply.json(document)

    reply = await _KEYS.once(call, cancel)
    for reservation_id in reservations:
        if await release(call.services.client, reservation_id):
            with suppress(DependencyDown):
                await call.services.database.execute(RELEASED, ids=[call.id])
    return reply
