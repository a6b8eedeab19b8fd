"""PUT /products/{id}: edit a product, or take stock of it."""

from shop import tracing
from shop.api.products import Product, ProductEdit
from shop.conditional import etag, expected
from shop.editing import UPDATE_PRODUCT
from shop.errors import Invalid, PreconditionFailed, ProductNotFound
from shop.operation import Call, Reply, operation

_KEPT = ("description", "stock", "category", "image_url", "low_stock_threshold")


@operation(
    "PUT",
    "/products/{id}",
    area="inventory",
    summary="Edit a product",
    access="admin",
    body=ProductEdit,
    answer=Product,
    errors=(Invalid, ProductNotFound, PreconditionFailed),
    conditions=("If-Match",),
)
async def update_product(call: Call[ProductEdit]) -> Reply:
    """Write the product's new state; what is left out of the body keeps its value.

    With `stock` it is a stock-take: the count is absolute, and the ledger gets the difference.
    If-Match is compared with the version, and with `stock` also with the stock.
    """
    edit = call.body
    seen = expected(call.request.headers.get("if-match"))
    row = await call.services.database.row(
        UPDATE_PRODUCT,
        id=call.id,
        expected_version=seen.version,
        expected_stock=seen.stock if "stock" in edit.model_fields_set else None,
        **edit.model_dump(),
        **{f"set_{name}": name in edit.model_fields_set for name in _KEPT},
        traceparent=tracing.traceparent(),
    )
    if row is None:
        raise ProductNotFound(f"There is no product {call.id}.")
    document, version, stock = row
    if document is None:
        raise PreconditionFailed(f"Product {call.id} is no longer what If-Match says.")
    return Reply.json(document, ETag=etag(version, stock))
