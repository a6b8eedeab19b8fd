"""GET /products: a page of the catalogue."""

from shop.api.products import Product, ProductQuery
from shop.catalogue import (
    SORTS,
    Shape,
    page_of_products,
    search_all,
    search_near,
    search_terms,
)
from shop.operation import Call, Reply, operation
from shop.paging import decode_cursor, encode_cursor, next_link


@operation(
    "GET",
    "/products",
    area="inventory",
    summary="List the catalogue",
    access="public",
    query=ProductQuery,
    answer=list[Product],
)
async def list_products(call: Call[None]) -> Reply:
    """Products, newest first or as `sort` says, filtered by `q`, `category` and `in_stock`."""
    query: ProductQuery = call.query
    terms = search_terms(query.q)
    if terms == "":
        return Reply.json("[]")
    shape = Shape(
        query.sort,
        by_category=query.category is not None,
        in_stock=query.in_stock,
        after=query.after is not None,
    )
    values: dict[str, object] = {"rows": query.limit + 1}
    if query.category is not None:
        values["category"] = query.category
    if query.after is not None:
        *key, values["after_id"] = decode_cursor(query.after, SORTS[query.sort].cursor)
        if key:
            values["after_key"] = key[0]
    database = call.services.database
    if terms is None:
        rows = await database.rows(page_of_products(shape), **values)
    else:
        rows = await database.rows(search_near(shape), **values, terms=terms)
        if len(rows) <= query.limit:
            rows = await database.rows(search_all(shape), **values, terms=terms)
    headers: dict[str, str] = {}
    if len(rows) > query.limit:
        del rows[query.limit :]
        headers["Link"] = next_link(call.request, encode_cursor(*rows[-1][1:]))
    return Reply.array([row[0] for row in rows], headers)
