"""The words of a search: as they are asked for, and as the known words that they begin."""

import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shop.database import Statement
from shop.model.inventory import known_words
from shop.prepared import Row

# PostgreSQL's configuration that takes words as they are written.
SIMPLE: sa.ColumnElement[Any] = sa.literal_column("'simple'::regconfig")
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


def begun(words: Iterable[str]) -> str:
    """A tsquery of words each of which may go on, for PostgreSQL to divide further."""
    return " & ".join(f"'{word}':*" for word in words)


def spelt_out(meanings: Iterable[Row]) -> str | None:
    """The rows of MEANINGS as a tsquery; None where no product can have all the words."""
    terms: list[str] = []
    for begins, whole, found in meanings:
        if whole and not found:
            return None
        few = whole and len(found) <= _MOST_MEANINGS
        terms.append(" | ".join(map(_quoted, found)) if few else begins)
    # PostgreSQL finds nothing to look for in a word such as "_".
    return " & ".join(f"({term})" for term in terms if term) or None


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _meanings() -> sa.Executable:
    asked = sa.func.unnest(sa.bindparam("words", type_=pg.ARRAY(sa.Text)), type_=sa.Text)
    word: sa.ColumnElement[str] = asked.column_valued("asked")
    quote, goes_on = (sa.literal_column(text, sa.Text) for text in ("''''", "''':*'"))
    lexemes = sa.func.tsvector_to_array(sa.func.to_tsvector(SIMPLE, word), type_=pg.ARRAY(sa.Text))
    last = sa.func.chr(sa.literal_column("1114111"), type_=sa.Text)
    found = (
        sa.select(known_words.c.word)
        .where(known_words.c.word >= word, known_words.c.word < word + last)
        .order_by(known_words.c.word)
        .limit(sa.literal_column(str(_MOST_MEANINGS + 1)))
    )
    return sa.select(
        sa.cast(sa.func.to_tsquery(SIMPLE, quote + word + goes_on), sa.Text),
        lexemes == pg.array([word]),
        sa.func.array(found.scalar_subquery(), type_=pg.ARRAY(sa.Text)),
    )


# What each of `words` may mean: a tsquery of words that begin with it, whether it is a single one
# to PostgreSQL too, and the first known words that begin with it. To look words up is cheap, where
# the word index takes three times as long to gather all that go on from a beginning.
MEANINGS = Statement("meanings", _meanings())
