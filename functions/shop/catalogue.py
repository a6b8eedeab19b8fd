"""The catalogue's reads: pages by keyset, in four orders and under three filters."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Statement
from shop.model.inventory import alive, product_json, products, shown

_MOST_TERMS = 8
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of the catalogue; `key` is compared before the id, which makes it total."""

    key: Callable[[sa.FromClause], sa.ColumnElement[Any]] | None
    descending: bool
    cursor: tuple[type[int | str | Decimal], ...]


def _price(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    return rows.c.price  # type: ignore[no-any-return]


def _name(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    return sa.func.lower(rows.c.name)


SORTS = {
    "newest": Sort(None, descending=True, cursor=(int,)),
    "price": Sort(_price, descending=False, cursor=(Decimal, int)),
    "-price": Sort(_price, descending=True, cursor=(Decimal, int)),
    "name": Sort(_name, descending=False, cursor=(str, int)),
}


def search_terms(q: str | None) -> str | None:
    """The words of a search as a tsquery in which each may go on; None where nothing is asked,
    empty where what is asked holds no word."""
    if q is None or not q.strip():
        return None
    words = _WORD.findall(q.lower())[:_MOST_TERMS]
    return " & ".join(f"'{word}':*" for word in words)


@lru_cache(maxsize=128)
def page_of_products(
    sort: str, *, by_category: bool, in_stock: bool | None, by_terms: bool, after: bool
) -> Statement:
    """The statement of one page.

    Its rows are the product's JSON text, then the values of the cursor that stands behind it.
    Its parameters are `rows`, and `category`, `terms`, `after_key` and `after_id` where used.
    """
    order = SORTS[sort]
    conditions = [alive]
    if by_category:
        conditions.append(products.c.category == sa.bindparam("category", type_=sa.Text))
    if in_stock is not None:
        nothing = sa.literal_column("0")
        conditions.append(products.c.stock > nothing if in_stock else products.c.stock == nothing)
    if by_terms:
        terms = sa.func.to_tsquery(
            sa.literal_column("'simple'::regconfig"), sa.bindparam("terms", type_=sa.Text)
        )
        conditions.append(products.c.search.op("@@")(terms))
    after_id = sa.bindparam("after_id", type_=sa.BigInteger)
    position: sa.ColumnElement[Any] = products.c.id
    behind: sa.ColumnElement[Any] = after_id
    cursor: list[sa.ColumnElement[Any]] = [products.c.id]
    if order.key is not None:
        key = order.key(products)
        position = sa.tuple_(key, products.c.id)
        behind = sa.tuple_(sa.bindparam("after_key", type_=key.type), after_id)
        cursor.insert(0, key)
    if after:
        conditions.append(position < behind if order.descending else position > behind)
    ordering = [column.desc() if order.descending else column.asc() for column in cursor]
    page = (
        _shown()
        .where(*conditions)
        .order_by(*ordering)
        .limit(sa.bindparam("rows", type_=sa.Integer))
        .subquery("page")
    )
    behind_each = [page.c.id] if order.key is None else [order.key(page), page.c.id]
    return Statement("page_of_products", sa.select(_row_json(page), *behind_each))


def _shown() -> sa.Select[Any]:
    return sa.select(*(value.label(name) for name, value in shown(products).items()))


def _row_json(rows: sa.Subquery) -> sa.ColumnElement[str]:
    """A row as JSON text; a third cheaper than an object that is built member by member."""
    return sa.cast(sa.func.row_to_json(rows.table_valued()), sa.Text)


GET_PRODUCT = Statement(
    "get_product",
    sa.select(product_json(products), products.c.version, products.c.stock).where(
        products.c.id == sa.bindparam("id", type_=sa.BigInteger), alive
    ),
)


def _categories() -> sa.Select[Any]:
    """Each category's name, found by skipping from one to the next in the index.

    Its cost follows the number of categories, not of products.
    """
    first = (
        sa.select(products.c.category)
        .where(alive, products.c.category.is_not(None))
        .order_by(products.c.category)
        .limit(1)
    )
    found = sa.select(first.scalar_subquery().label("name")).cte("found", recursive=True)
    following = (
        sa.select(products.c.category)
        .where(alive, products.c.category > found.c.name)
        .order_by(products.c.category)
        .limit(1)
    )
    found = found.union_all(sa.select(following.scalar_subquery()).where(found.c.name.is_not(None)))
    entry = sa.func.json_build_object(sa.literal_column("'name'"), found.c.name)
    listed = sa.func.coalesce(
        sa.func.json_agg(pg.aggregate_order_by(entry, found.c.name)),
        sa.literal_column("'[]'::json"),
    )
    return sa.select(sa.cast(listed, sa.Text)).where(found.c.name.is_not(None))


LIST_CATEGORIES = Statement("list_categories", _categories())
