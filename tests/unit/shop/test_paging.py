from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from shop.api.fields import MOST_BIGINT
from shop.errors import Invalid
from shop.paging import decode_cursor, encode_cursor, next_link

IDS = st.integers(-MOST_BIGINT, MOST_BIGINT)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200)
PRICES = st.decimals(0, 1_000_000_000, places=2)


def request(query: str, **headers: str) -> Request:
    return Request(
        {
            "type": "http",
            "path": "/products",
            "query_string": query.encode(),
            "headers": [
                (name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()
            ],
        }
    )


@given(IDS, TEXTS, PRICES)
def test_a_cursor_gives_back_what_it_was_made_of(id_: int, text: str, price: Decimal) -> None:
    cursor = encode_cursor(price, id_, text)

    assert cursor.isascii()
    assert decode_cursor(cursor, (Decimal, int, str)) == (price, id_, text)


@given(st.text(max_size=100), st.sampled_from([int, str, Decimal]))
def test_any_text_is_a_cursor_or_is_refused_by_name(text: str, kind: Any) -> None:
    with suppress(Invalid):
        (value,) = decode_cursor(text, (kind,))
        assert isinstance(value, kind)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ((1,), (str,)),
        (("a",), (int,)),
        (("a",), (Decimal,)),
        (("9e99999",), (Decimal,)),
        (("NaN",), (Decimal,)),
        ((2**63,), (int,)),
        ((True,), (int,)),
        (("a\x00",), (str,)),
        ((1, 2), (int,)),
        ((1,), (int, int)),
    ],
)
def test_a_cursor_of_another_list_is_refused(values: Any, kinds: Any) -> None:
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor(*values), kinds)


def test_a_link_keeps_the_other_parameters() -> None:
    link = next_link(request("q=a%20b&after=old&limit=2&q2=%C3%A9"), "new")

    assert link == '</products?q=a+b&limit=2&q2=%C3%A9&after=new>; rel="next"'


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("/api", "/api/products"),
        ("/api/", "/api/products"),
        ("/a>b", "/products"),
        ("", "/products"),
    ],
)
def test_a_link_begins_with_the_prefix_under_which_the_client_asked(prefix: str, path: str) -> None:
    assert next_link(request("", x_forwarded_prefix=prefix), "x").startswith(f"<{path}?after=x>")
