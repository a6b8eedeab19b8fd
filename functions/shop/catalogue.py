"""The catalogue's reads: pages by keyset, in four orders and under three filters."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Statement
from shop.model.inventory import alive, known_words, product_json, products, shown
from shop.model.parts import json_object

# PostgreSQL's configuration that takes words as they are written.
SIMPLE: sa.ColumnElement[Any] = sa.literal_column("'simple'::regconfig")
# Products that are looked through in order before the word index is asked: some 5 ms.
SEARCH_WINDOW = 2_000
# One product in so many is in the small word index, `products_search_sample`.
SEARCH_SAMPLE = 128


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of the catalogue; `key` is compared before the id, which makes it total.

    `first` is where the products of a known word begin in it.
    """

    key: Callable[[sa.FromClause], sa.ColumnElement[Any]] | None
    descending: bool
    cursor: tuple[type[int | str | Decimal], ...]
    first: sa.ColumnElement[Any]


def _price(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    return rows.c.price


def _name(rows: sa.FromClause) -> sa.ColumnElement[Any]:
    return sa.func.lower(rows.c.name)


SORTS = {
    "newest": Sort(None, descending=True, cursor=(int,), first=known_words.c.highest_id),
    "price": Sort(
        _price, descending=False, cursor=(Decimal, int), first=known_words.c.lowest_price
    ),
    "-price": Sort(
        _price, descending=True, cursor=(Decimal, int), first=known_words.c.highest_price
    ),
    "name": Sort(_name, descending=False, cursor=(str, int), first=known_words.c.first_name),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Which filters a page has: what its statement is made from."""

    sort: str
    by_category: bool = False
    in_stock: bool | None = None
    after: bool = False
    since: bool = False
    until: bool = False

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What the page's products fulfil, the search not counted."""
        conditions: list[sa.ColumnElement[bool]] = [alive]
        if self.by_category:
            conditions.append(products.c.category == sa.bindparam("category", type_=sa.Text))
        if self.in_stock is not None:
            nothing: sa.ColumnElement[int] = sa.literal_column("0")
            conditions.append(
                products.c.stock > nothing if self.in_stock else products.c.stock == nothing
            )
        descending = SORTS[self.sort].descending
        if self.after:
            position, behind = self._position("after")
            conditions.append(position < behind if descending else position > behind)
        if self.since:
            place, first = self.place(), sa.bindparam("since", type_=self.place().type)
            conditions.append(place <= first if descending else place >= first)
        if self.until:
            position, last = self._position("until")
            conditions.append(position >= last if descending else position <= last)
        return conditions

    def place(self) -> sa.ColumnElement[Any]:
        """What is compared first in the order."""
        key = SORTS[self.sort].key
        return products.c.id if key is None else key(products)

    def _position(self, name: str) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """A product's place in the order, and the place that the parameters of that name hold."""
        key = SORTS[self.sort].key
        given_id = sa.bindparam(f"{name}_id", type_=sa.BigInteger)
        if key is None:
            return products.c.id, given_id
        given_key = sa.bindparam(f"{name}_key", type_=key(products).type)
        return sa.tuple_(key(products), products.c.id), sa.tuple_(given_key, given_id)

    def cursor(self, rows: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        """The columns that order the page, and that its cursor holds."""
        key = SORTS[self.sort].key
        return [rows.c.id] if key is None else [key(rows), rows.c.id]

    def ordering(self, rows: sa.FromClause) -> list[sa.UnaryExpression[Any]]:
        """The ORDER BY of the page."""
        descending = SORTS[self.sort].descending
        return [c.desc() if descending else c.asc() for c in self.cursor(rows)]


_ROWS = sa.bindparam("rows", type_=sa.Integer)
_TERMS = sa.bindparam("terms", type_=sa.Text)


def _matches(rows: sa.FromClause, terms: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return rows.c.search.op("@@", return_type=sa.Boolean)(terms)


@lru_cache(maxsize=64)
def page_of_products(shape: Shape) -> Statement:
    """The statement of one page without a search.

    Its rows are the product's JSON text, then the values of the cursor that stands behind it.
    Its parameters are `rows`, and `category`, `after_key` and `after_id` where used.
    """
    page = (
        _shown()
        .where(*shape.conditions())
        .order_by(*shape.ordering(products))
        .limit(_ROWS)
        .subquery("page")
    )
    return Statement("page_of_products", sa.select(_row_json(page), *shape.cursor(page)))


@lru_cache(maxsize=64)
def search_near(shape: Shape) -> Statement:
    """What matches words `spelt_out` among the next SEARCH_WINDOW products in the page's order.

    A common word fills its page from here, at a cost that does not follow the catalogue. The
    rows are those of `page_of_products`.
    """
    window = (
        sa.select(products)
        .where(*shape.conditions())
        .order_by(*shape.ordering(products))
        .limit(sa.literal_column(str(SEARCH_WINDOW)))
        .subquery("products")
    )
    matches = _matches(window, sa.cast(_TERMS, pg.TSQUERY))
    page = _shown(window).where(matches).limit(_ROWS).subquery("page")
    return Statement("search_near", sa.select(_row_json(page), *shape.cursor(page)))


@lru_cache(maxsize=64)
def search_bound(shape: Shape) -> Statement:
    """How far a page of matches reaches, as a sample of them tells: one row, or none.

    The number of sampled matches, then the cursor's values of the one with the number `rank`,
    counted from 0 in the page's order. Up to it there are some SEARCH_SAMPLE times `rank` matches,
    wherever in the order they stand.
    """
    sampled = sa.literal_column(f"(hashint8(id) & {SEARCH_SAMPLE - 1}) = 0", sa.Boolean)
    found = _found(shape, sampled)
    return Statement(
        "search_bound",
        sa.select(sa.func.count().over(), *shape.cursor(found))
        .order_by(*shape.ordering(found))
        .limit(sa.literal_column("1"))
        .offset(sa.bindparam("rank", type_=sa.Integer)),
    )


@lru_cache(maxsize=64)
def search_all(shape: Shape) -> Statement:
    """What matches words `spelt_out`, by the word index, then sorted: all, or `until` a bound.

    For words that do not fill a page from nearby: PostgreSQL's estimate for the beginning of a
    word is too coarse to let it choose by itself. The rows are those of `page_of_products`.
    """
    found = _found(shape)
    first = sa.select(found.c.id).order_by(*shape.ordering(found)).limit(_ROWS)
    # Few products of many: the others are not carried through the sorting.
    page = _shown().where(products.c.id.in_(first)).subquery("page")
    rows = sa.select(_row_json(page), *shape.cursor(page)).order_by(*shape.ordering(page))
    return Statement("search_all", rows)


# For the transaction of a search. Bitmaps of a whole catalogue must be exact. What two indexes have
# found is met before a product is read, where that pays: of a catalogue in memory a product that is
# read takes as long as some seven entries of an index, and not two hundred.
BY_BITMAPS = Statement(
    "by_bitmaps",
    sa.select(
        *(
            sa.func.set_config(
                sa.literal_column(f"'{name}'"), sa.literal_column(f"'{value}'"), sa.true()
            )
            for name, value in {
                "work_mem": "32MB",
                "enable_indexscan": "off",
                "enable_seqscan": "off",
                "random_page_cost": "0.05",
                "seq_page_cost": "0.05",
                "plan_cache_mode": "force_custom_plan",
                "max_parallel_workers_per_gather": "0",
            }.items()
        )
    ),
)


def _found(shape: Shape, *conditions: sa.ColumnElement[bool]) -> sa.CTE:
    """What the order of all matches is made from."""
    matches = _matches(products, sa.cast(_TERMS, pg.TSQUERY))
    return (
        sa.select(products.c.id, products.c.name, products.c.price)
        .where(matches, *shape.conditions(), *conditions)
        .cte("products_found")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )


def _shown(rows: sa.FromClause = products) -> sa.Select[Any]:
    return sa.select(*(value.label(name) for name, value in shown(rows).items()))


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
    entry = json_object(name=found.c.name)
    listed = sa.func.coalesce(
        sa.func.json_agg(pg.aggregate_order_by(entry, found.c.name)),
        sa.literal_column("'[]'::json"),
    )
    return sa.select(sa.cast(listed, sa.Text)).where(found.c.name.is_not(None))


LIST_CATEGORIES = Statement("list_categories", _categories())
