"""GET /categories: what the catalogue is divided into."""

from shop.api.products import Category
from shop.catalogue import LIST_CATEGORIES
from shop.operation import Call, Reply, operation


@operation(
    "GET",
    "/categories",
    area="inventory",
    summary="List the categories",
    access="public",
    answer=list[Category],
)
async def list_categories(call: Call[None]) -> Reply:
    """The categories that hold at least one product, by name."""
    (document,) = await call.services.database.one(LIST_CATEGORIES)
    return Reply.json(document)
