"""GET /products: a page of the catalogue."""

from dataclasses import replace

from shop.api.products import Product, ProductQuery
from shop.catalogue import (
    BY_BITMAPS,
    SEARCH_SAMPLE,
    SORTS,
    Shape,
    page_of_products,
    search_all,
    search_bound,
    search_near,
)
from shop.database import Database
from shop.operation import Call, Reply, operation
from shop.paging import decode_cursor, encode_cursor, next_link
from shop.prepared import Row
from shop.search_terms import meanings, search_words, spelt_out

# Some 2,600 products: to read and sort them takes less than to find out how far to look.
_FEW_SAMPLED = 20


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
    words = search_words(query.q)
    if words == []:
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
    if words is None:
        rows = await call.services.database.rows(page_of_products(shape), **values)
    else:
        rows = await _search(call.services.database, shape, query.limit, words, values)
    headers: dict[str, str] = {}
    if len(rows) > query.limit:
        del rows[query.limit :]
        headers["Link"] = next_link(call.request, encode_cursor(*rows[-1][1:]))
    return Reply.array([row[0] for row in rows], headers)


async def _search(
    database: Database, shape: Shape, limit: int, words: list[str], values: dict[str, object]
) -> list[Row]:
    """Look from where the words begin, as far as a sample says that a page reaches, everywhere."""
    asked = meanings(shape.sort, after=shape.after)
    behind = {name: value for name, value in values.items() if asked.takes(name)}
    meant = await database.rows(asked, **behind, words=words)
    terms = spelt_out(meant)
    if terms is None:
        return []
    values = values | {"terms": terms}
    near, since = shape, {}
    if (first := meant[0][3]) is not None:
        # It is beyond what the page follows, and takes its place; before it there is no match.
        shape = replace(shape, after=False)
        values = {name: value for name, value in values.items() if not name.startswith("after_")}
        near, since = replace(shape, since=True), {"since": first}
    rows = await database.rows(search_near(near), **values, **since)
    if len(rows) > limit:
        return rows
    sought = {name: value for name, value in values.items() if name != "rows"}
    async with database.transaction() as transaction:
        await transaction.row(BY_BITMAPS)
        # Ranks at which a page is full 99 times in 100.
        rank = 2 + limit // (SEARCH_SAMPLE // 2)
        bound = await transaction.row(search_bound(shape), **sought, rank=rank)
        if bound is not None and bound[0] > _FEW_SAMPLED:
            *key, until_id = bound[1:]
            until = {"until_id": until_id, **({"until_key": key[0]} if key else {})}
            as_far = search_all(replace(near, until=True))
            rows = await transaction.rows(as_far, **values, **since, **until)
            if len(rows) > limit:
                return rows
        return await transaction.rows(search_all(shape), **values)
