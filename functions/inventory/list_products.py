"""GET /products: a page of the catalogue."""

from decimal import Decimal

from shop.api.products import Product, ProductQuery
from shop.catalogue import SORTS, page_of_products, search_terms
from shop.operation import Call, Reply, operation
from shop.paging import decode_cursor, encode_cursor, next_link


@operation(
    "GET",
    "/products",
    area="inventory",
    summary="List the catalogue",
    query=ProductQuery,
    answer=list[Product],
)
async def list_products(call: Call[None]) -> Reply:
    """Products, newest first or as `sort` says, filtered by `q`, `category` and `in_stock`."""
    query: ProductQuery = call.query
    sort = SORTS[query.sort]
    terms = search_terms(query.q)
    if terms == "":
        return Reply.json("[]")
    values: dict[str, object] = {"rows": query.limit + 1}
    if query.category is not None:
        values["category"] = query.category
    if terms is not None:
        values["terms"] = terms
    if query.after is not None:
        *key, values["after_id"] = decode_cursor(query.after, sort.cursor)
        if key:
            values["after_key"] = key[0]
    statement = page_of_products(
        query.sort,
        by_category=query.category is not None,
        in_stock=query.in_stock,
        by_terms=terms is not None,
        after=query.after is not None,
    )
    rows = await call.services.database.rows(statement, **values)
    headers = {}
    if len(rows) > query.limit:
        del rows[query.limit :]
        last: tuple[int | str | Decimal, ...] = rows[-1][1:]
        headers["Link"] = next_link(call.request, encode_cursor(*last))
    return Reply.json("[" + ",".join([row[0] for row in rows]) + "]", **headers)
