"""DELETE /products/{id}: take a product out of the catalogue."""

from shop import tracing
from shop.editing import DELETE_PRODUCT
from shop.errors import ProductNotFound
from shop.operation import Call, Reply, operation


@operation(
    "DELETE",
    "/products/{id}",
    area="inventory",
    summary="Delete a product",
    access="admin",
    status=204,
    errors=(ProductNotFound,),
)
async def delete_product(call: Call[None]) -> Reply:
    """Hide the product. Its row stays, so that orders on their way can still give stock back."""
    row = await call.services.database.row(
        DELETE_PRODUCT, id=call.id, traceparent=tracing.traceparent()
    )
    if row is None:
        raise ProductNotFound(f"There is no product {call.id}.")
    return Reply(204)
