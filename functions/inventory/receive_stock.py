"""POST /products/{id}/stock: pieces arrived."""

from shop import tracing
from shop.api.products import Delivery, Product
from shop.conditional import etag
from shop.database import Executor
from shop.editing import KEYS, PRODUCT_STOCK, RECEIVE_STOCK
from shop.errors import Invalid, KeyReused, ProductNotFound
from shop.operation import Call, Reply, operation


@operation(
    "POST",
    "/products/{id}/stock",
    area="inventory",
    summary="Receive stock",
    access="admin",
    body=Delivery,
    answer=Product,
    errors=(Invalid, KeyReused, ProductNotFound),
    keyed=True,
)
async def receive_stock(call: Call[Delivery]) -> Reply:
    """Add the pieces to the product's stock; 422 where it would exceed 10^9."""

    async def receive(database: Executor) -> Reply:
        row = await database.row(
            RECEIVE_STOCK,
            id=call.id,
            quantity=call.body.quantity,
            traceparent=tracing.traceparent(),
        )
        if row is not None:
            document, version, stock = row
            return Reply.json(document, ETag=etag(version, stock))
        found = await database.row(PRODUCT_STOCK, id=call.id)
        if found is None:
            raise ProductNotFound(f"There is no product {call.id}.")
        raise Invalid([("quantity", f"the stock of {found[0]} would exceed 1000000000")])

    return await KEYS.once(call, receive)
