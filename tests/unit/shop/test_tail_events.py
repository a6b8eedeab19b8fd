import re

from shop.tail_events import attributes_of, line


def test_a_line_says_when_where_what_of_whom() -> None:
    attributes = attributes_of(
        [("ce_type", b"com.shophub.product.created.v1"), ("ce_subject", b"products/1"), ("x", b"")]
    )

    text = line("inventory-events", 1_767_323_045_678, attributes, b'{"a": 1}')

    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.678  inventory-events  product.created.v1     products/1       "
        r'\{"a": 1\}',
        text,
    )


def test_a_dead_letter_says_who_did_not_take_it() -> None:
    attributes = {"knativeerrordest": "http://notify", "knativeerrorcode": "400"}

    text = line("dead-letters", 0, attributes, b"\xff" * 1_000)

    assert "no CloudEvent" in text
    assert text.endswith("[http://notify answered 400]")
    assert len(text) < 600
