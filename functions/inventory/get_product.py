"""GET /products/{id}: one product."""

from shop.api.products import Product
from shop.catalogue import GET_PRODUCT
from shop.conditional import etag, not_modified
from shop.errors import ProductNotFound
from shop.operation import Call, Reply, operation


@operation(
    "GET",
    "/products/{id}",
    area="inventory",
    summary="Get a product",
    access="public",
    answer=Product,
    errors=(ProductNotFound,),
    conditions=("If-None-Match",),
)
async def get_product(call: Call[None]) -> Reply:
    """The product with its ETag; 304 where If-None-Match names it."""
    row = await call.services.database.row(GET_PRODUCT, id=call.id)
    if row is None:
        raise ProductNotFound(f"There is no product {call.id}.")
    document, version, stock = row
    tag = etag(version, stock)
    if not_modified(call.request.headers.get("if-none-match"), tag):
        return Reply(304, headers={"ETag": tag})
    return Reply.json(document, ETag=tag)
