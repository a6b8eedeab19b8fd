import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from shop.api.orders import NewOrder
from shop.api.products import NewProduct, ReservationRequest
from shop.errors import BadRequest, Invalid
from shop.parsing import json_document, validate

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read(document: str) -> Any:
    return json_document(None, document.encode("utf-8", "surrogatepass"))


def refused(model: type[BaseModel], document: Any) -> list[str]:
    """The fields that are named where the document is refused; none where it is valid."""
    try:
        validate(model, document)
    except Invalid as error:
        return [found["field"] for found in error.extra["errors"]]
    return []


@given(st.integers(0, 10**11))
def test_every_price_in_cents_stays_what_it_is(cents: int) -> None:
    text = f"{cents // 100}.{cents % 100:02}"

    product = validate(NewProduct, read(f'{{"name": "x", "price": {text}}}'))

    assert str(product.price) == text


@given(st.decimals(allow_nan=False, allow_infinity=False))
@example(Decimal("0.001"))
@example(Decimal("1000000000.01"))
@example(Decimal("1E-400"))
@example(Decimal("1E+400"))
def test_a_price_is_exact_or_refused_by_name(amount: Decimal) -> None:
    fits = 0 <= amount <= 10**9 and amount == round(amount, 2)

    assert refused(NewProduct, {"name": "x", "price": amount}) == ([] if fits else ["price"])
    if fits:
        price = validate(NewProduct, {"name": "x", "price": amount}).price
        assert price == amount
        assert price.as_tuple().exponent == -2


@given(st.text(max_size=210))
@example("a\x00")
@example("\ud800")
@example("\u2003")
@example("x" * 200)
@example("x" * 201)
def test_a_name_can_be_stored_or_is_refused_by_name(name: str) -> None:
    storable = "\x00" not in name and not any(0xD800 <= ord(c) < 0xE000 for c in name)
    fits = storable and bool(name.strip()) and len(name) <= 200

    assert refused(NewProduct, {"name": name, "price": 1}) == ([] if fits else ["name"])
    if fits:
        assert validate(NewProduct, {"name": name, "price": 1}).name == name.strip()


@pytest.mark.parametrize(("field", "least", "most"), [
    ("quantity", 1, 10**6), ("product_id", 1, 2**63 - 1),
])  # fmt: skip
@given(number=st.integers())
@example(number=0)
@example(number=10**6)
@example(number=10**6 + 1)
@example(number=2**63 - 1)
@example(number=2**63)
def test_numbers_keep_their_bounds(field: str, least: int, most: int, number: int) -> None:
    body = {"product_id": 1, "quantity": 1} | {field: number}

    assert refused(NewOrder, body) == ([] if least <= number <= most else [field])


@given(JSON)
def test_any_document_is_valid_or_refused_with_fields_that_are_named(document: Any) -> None:
    for model in (NewProduct, NewOrder, ReservationRequest):
        with pytest.raises(Invalid) as caught:
            validate(model, read(json.dumps(document)))
        assert 1 <= len(caught.value.extra["errors"]) <= 20
        for error in caught.value.extra["errors"]:
            assert error["field"]
            assert error["message"]
            assert not error["field"].startswith(("<OneLine>", "<ManyLines>"))
        caught.value.body()


@given(st.binary(max_size=200))
@example(b"\xff")
@example(b"[" * 100_000)
@example(b"1" * 5_000)
@example(b'{"a":1E9999999999999999999999}')
@example(b"NaN")
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    with suppress(BadRequest):
        json_document("application/json", body)


@given(JSON)
def test_what_json_says_is_what_is_read(document: Any) -> None:
    found = read(json.dumps(document))

    assert json.loads(json.dumps(found, default=float)) == json.loads(json.dumps(document))
