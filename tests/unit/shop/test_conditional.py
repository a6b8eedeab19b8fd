import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.conditional import Expected, etag, expected, not_modified
from shop.errors import BadRequest

COUNTS = st.integers(0, 10**15)


@given(COUNTS, COUNTS)
def test_a_tag_says_again_what_it_was_made_of(version: int, stock: int) -> None:
    tag = etag(version, stock)

    assert expected(tag) == Expected(version, stock)
    assert not_modified(tag, tag)
    assert not_modified(f'"other", W/{tag}', tag)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_another_tag_is_another(version: int, stock: int, other: int, others: int) -> None:
    same = (version, stock) == (other, others)

    assert not_modified(etag(other, others), etag(version, stock)) is same


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_without_a_tag_everything_matches(header: str | None) -> None:
    assert expected(header) == Expected(None, None)


@pytest.mark.parametrize("header", ['W/"1.2"', '"1"', '"a.b"', '""', '"1.2.3"', '"-1.2"', '"١.1"'])
def test_a_tag_that_is_none_of_ours_matches_no_product(header: str) -> None:
    assert expected(header) == Expected(version=0, stock=0)


@pytest.mark.parametrize("header", ["", "1.2", '"1.2', '"1.2", "1.3"', 'w/"1.2"', "**"])
def test_what_is_no_single_tag_is_refused(header: str) -> None:
    with pytest.raises(BadRequest, match="entity tag"):
        expected(header)


@given(st.text(max_size=40))
def test_any_if_match_is_read_or_refused(header: str) -> None:
    try:
        found = expected(header)
    except BadRequest:
        return
    assert (found.version is None) == (found.stock is None)


def test_nothing_is_not_modified_without_a_tag() -> None:
    assert not not_modified(None, '"1.2"')
    assert not not_modified("", '"1.2"')
    assert not_modified("*", '"1.2"')
