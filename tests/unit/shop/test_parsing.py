from decimal import Decimal
from typing import Any

import pytest

from shop.api.orders import NewOrder
from shop.api.products import ProductQuery
from shop.errors import BadRequest, Invalid, UnsupportedMediaType
from shop.parsing import IdempotencyKey, idempotency_key, json_document, query, validate


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"],
)
def test_json_is_read_with_or_without_being_declared(content_type: str | None) -> None:
    assert json_document(content_type, b'{"a": 0.10}') == {"a": Decimal("0.10")}


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/jsonx", "multipart/form"])
def test_another_media_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        json_document(content_type, b"{}")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b'{"a":\n 1,}', "line 2, column"),
        (b"\xff", "not UTF-8"),
        (b"NaN", "a number that cannot be read"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_with_a_reason(body: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        json_document(None, body)


def test_numbers_are_exact() -> None:
    found = json_document(None, b"[0.1, 1e-2, 12345678901234567890.123456789, 5]")

    assert found == [
        Decimal("0.1"), Decimal("0.01"), Decimal("12345678901234567890.123456789"), 5,
    ]  # fmt: skip


def test_fields_are_named_by_their_path() -> None:
    with pytest.raises(Invalid) as caught:
        validate(NewOrder, {"items": [{"product_id": 1}, {"quantity": 0, "product_id": "x"}]})

    assert [error["field"] for error in caught.value.extra["errors"]] == [
        "items.0.quantity", "items.1.product_id", "items.1.quantity",
    ]  # fmt: skip


def test_a_field_whose_name_looks_like_a_forms_name_is_named_too() -> None:
    with pytest.raises(Invalid) as caught:
        validate(NewOrder, {"product_id": 1, "quantity": 1, "<script>": 1, "<": 2})

    assert [error["field"] for error in caught.value.extra["errors"]] == ["<script>", "<"]


def test_of_many_wrong_fields_some_are_named() -> None:
    with pytest.raises(Invalid) as caught:
        validate(NewOrder, {"items": [{"product_id": 0, "quantity": 0}] * 100})

    assert len(caught.value.extra["errors"]) == 20


def test_a_query_is_decoded() -> None:
    found = query(ProductQuery, b"q=a%26b+c&limit=7&in_stock=False&sort=-price")

    assert (found.q, found.limit, found.in_stock, found.sort) == ("a&b c", 7, False, "-price")


def test_an_empty_query_has_its_defaults() -> None:
    found = query(ProductQuery, b"")

    assert (found.q, found.limit, found.in_stock, found.sort) == (None, 50, None, "newest")


@pytest.mark.parametrize("text", [b"q=1&q=2", b"limit=1&limit=1"])
def test_a_parameter_is_given_once(text: bytes) -> None:
    with pytest.raises(Invalid, match="must be given once"):
        query(ProductQuery, text)


@pytest.mark.parametrize("text", [b"q=%ff", b"q=\xff", b"&".join([b"q=1"] * 51)])
def test_a_query_that_cannot_be_read_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        query(ProductQuery, text)


def key(document: Any, path: str = "/orders", **headers: str) -> IdempotencyKey | None:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return idempotency_key(given, "ada", "create_order", path, document)


def test_without_the_header_there_is_no_key() -> None:
    assert key({}) is None


def test_a_key_has_its_account_and_its_route() -> None:
    found = key({}, idempotency_key="k")

    assert found is not None
    assert (found.account, found.route, found.key) == ("ada", "create_order", "k")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": Decimal("1.50")}, {"a": Decimal("1.50")}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": None}, {}, False),
        ([1, 2], [2, 1], False),
        ({"a": "\ud800"}, {"a": "\ud801"}, False),
    ],
)
def test_the_fingerprint_is_of_what_the_body_means(first: Any, second: Any, *, same: bool) -> None:
    one, other = key(first, idempotency_key="k"), key(second, idempotency_key="k")

    assert one is not None
    assert other is not None
    assert (one.fingerprint == other.fingerprint) is same


def test_the_fingerprint_is_of_the_path_too() -> None:
    one = key(None, "/orders/1/cancel", idempotency_key="k")
    other = key(None, "/orders/2/cancel", idempotency_key="k")

    assert one != other


@pytest.mark.parametrize("text", ["", "x" * 256, "a\nb", "\x7f"])
def test_a_key_is_short_and_printable(text: str) -> None:
    with pytest.raises(BadRequest):
        key({}, idempotency_key=text)
