"""The words of a search: as they are asked for, and as the known words that they begin."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.catalogue import SIMPLE, SORTS
from shop.database import Statement
from shop.model.inventory import known_words
from shop.prepared import Row

_MOST_WORDS = 8
# Known words that one of a search may stand for; of more, its beginning is asked for.
_MOST_MEANINGS = 32
# PostgreSQL's parser divides further, as it did with what is searched: "USB-C", "3.5".
_WORD = re.compile(r"[^\s'\\]*\w[^\s'\\]*")


def search_words(q: str | None) -> list[str] | None:
    """The words of a search; None where nothing is asked."""
    if q is None or not q.strip():
        return None
    return _WORD.findall(q.lower())[:_MOST_WORDS]


def spelt_out(meanings: Iterable[Row]) -> str | None:
    """The rows of `meanings` as a tsquery; None where no product can have all the words."""
    terms: list[str] = []
    for begins, whole, found, _ in meanings:
        if whole and not found:
            return None
        few = whole and len(found) <= _MOST_MEANINGS
        terms.append(" | ".join(map(_quoted, found)) if few else begins)
    # PostgreSQL finds nothing to look for in a word such as "_".
    return " & ".join(f"({term})" for term in terms if term) or None


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


@lru_cache(maxsize=8)
def meanings(sort: str, *, after: bool) -> Statement:
    """What each of `words` may mean; where all of them can be, in every row.

    A row has a tsquery of words that begin with the one that is asked for, whether that is a single
    one to PostgreSQL too, and the first known words that begin with it: to look words up is cheap,
    where the word index takes three times as long to gather all that go on from a beginning. Then
    the place in the order before which no product has all the words, or None where that is not
    known, or not beyond `after_key`, or `after_id` where the order is that of ids.
    """
    words = sa.func.unnest(sa.bindparam("words", type_=pg.ARRAY(sa.Text)))
    asked = words.table_valued(sa.column("word", sa.Text)).render_derived(name="asked")
    word: sa.ColumnElement[str] = asked.c.word
    known = _known(sort, word)
    quote, goes_on = (sa.literal_column(text, sa.Text) for text in ("''''", "''':*'"))
    lexemes = sa.func.tsvector_to_array(sa.func.to_tsvector(SIMPLE, word), type_=pg.ARRAY(sa.Text))
    whole = lexemes == pg.array([word])
    found = sa.func.array_agg(known.c.word).filter(known.c.word.is_not(None))
    return Statement(
        "meanings",
        sa.select(
            sa.cast(sa.func.to_tsquery(SIMPLE, quote + word + goes_on), sa.Text),
            whole,
            found,
            _since(sort, known, whole, after=after),
        )
        .select_from(sa.outerjoin(asked, known, sa.true()))
        .group_by(word),
    )


def _known(sort: str, word: sa.ColumnElement[str]) -> sa.FromClause:
    """The first known words that begin with a word, and where the products of each begin."""
    last = sa.func.chr(sa.literal_column("1114111"), type_=sa.Text)
    return (
        sa.select(known_words.c.word, known_words.c.bounded, SORTS[sort].first.label("first"))
        .where(known_words.c.word >= word, known_words.c.word < word + last)
        .order_by(known_words.c.word)
        .limit(sa.literal_column(str(_MOST_MEANINGS + 1)))
        .lateral("known")
    )


def _since(
    sort: str, known: sa.FromClause, whole: sa.ColumnElement[bool], *, after: bool
) -> sa.ColumnElement[Any]:
    """Where the last of the words begins, if it is beyond what the page follows."""
    order = SORTS[sort]
    foremost: Any
    hindmost: Any
    foremost, hindmost = sa.func.min, sa.func.max
    if order.descending:
        foremost, hindmost = hindmost, foremost
    is_bounded = sa.and_(
        whole,
        sa.func.count() <= sa.literal_column(str(_MOST_MEANINGS)),
        sa.func.bool_and(known.c.bounded),
    )
    first = sa.case((is_bounded, foremost(known.c.first, type_=order.first.type)))
    place: sa.ColumnElement[Any] = hindmost(first, type_=order.first.type).over()
    if not after:
        return place
    name = "after_id" if order.key is None else "after_key"
    behind = sa.bindparam(name, type_=order.first.type)
    return sa.case((place < behind if order.descending else place > behind, place))
