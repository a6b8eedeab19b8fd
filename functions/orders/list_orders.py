"""GET /orders: a page of the caller's orders."""

from shop.api.orders import Order, OrderQuery
from shop.operation import Call, Reply, operation
from shop.order_reads import page_of_orders
from shop.paging import decode_cursor, encode_cursor, next_link


@operation(
    "GET",
    "/orders",
    area="orders",
    summary="List orders",
    access="customer",
    query=OrderQuery,
    answer=list[Order],
)
async def list_orders(call: Call[None]) -> Reply:
    """The account's orders, newest first; an admin sees everybody's."""
    query: OrderQuery = call.query
    everybodys = call.ownership["everybodys"]
    values: dict[str, object] = {"rows": query.limit + 1}
    if not everybodys:
        values["account"] = call.account
    if query.status is not None:
        values["status"] = query.status
    if query.after is not None:
        (values["after_id"],) = decode_cursor(query.after, (int,))
    statement = page_of_orders(
        everybodys=everybodys,
        by_status=query.status is not None,
        after=query.after is not None,
    )
    rows = await call.services.database.rows(statement, **values)
    headers: dict[str, str] = {}
    if len(rows) > query.limit:
        del rows[query.limit :]
        headers["Link"] = next_link(call.request, encode_cursor(rows[-1][1]))
    return Reply.array([row[0] for row in rows], headers)
