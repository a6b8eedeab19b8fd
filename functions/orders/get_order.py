"""GET /orders/{id}: one order with its timeline."""

from shop.api.orders import OrderWithTimeline
from shop.errors import OrderNotFound
from shop.operation import Call, Reply, operation
from shop.order_reads import GET_ORDER


@operation(
    "GET",
    "/orders/{id}",
    area="orders",
    summary="Get an order",
    access="customer",
    answer=OrderWithTimeline,
    errors=(OrderNotFound,),
)
async def get_order(call: Call[None]) -> Reply:
    """The order, what happened to it and when; another account's order is not found."""
    row = await call.services.database.row(GET_ORDER, id=call.id, **call.ownership)
    if row is None:
        raise OrderNotFound(f"There is no order {call.id}.")
    return Reply.json(row[0])
