"""POST /products: put a product into the catalogue."""

from shop import tracing
from shop.api.products import NewProduct, Product
from shop.conditional import etag
from shop.database import Executor
from shop.editing import CREATE_PRODUCT, KEYS
from shop.errors import Invalid, KeyReused
from shop.operation import Call, Reply, operation


@operation(
    "POST",
    "/products",
    area="inventory",
    summary="Create a product",
    access="admin",
    body=NewProduct,
    status=201,
    answer=Product,
    errors=(Invalid, KeyReused),
    keyed=True,
)
async def create_product(call: Call[NewProduct]) -> Reply:
    """Create the product with its first stock, and announce it."""

    async def create(database: Executor) -> Reply:
        document, version, stock, product_id = await database.one(
            CREATE_PRODUCT, **call.body.model_dump(), traceparent=tracing.traceparent()
        )
        location = call.url(f"/products/{product_id}")
        return Reply.json(document, 201, ETag=etag(version, stock), Location=location)

    return await KEYS.once(call, create)
