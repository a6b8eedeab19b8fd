import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shop.errors import BadRequest
from shop.events import EVENTS, Received, short_name

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shophub/inventory",
    "ce-type": "com.shophub.product.created.v1",
    "content-type": "application/json",
}


def test_binary_and_structured_mode_say_the_same() -> None:
    binary = Received.from_http(BINARY | {"ce-subject": "products/1"}, b'{"a": 1.50}')
    document = {
        "specversion": "1.0",
        "id": "1",
        "source": "/shophub/inventory",
        "type": "com.shophub.product.created.v1",
        "subject": "products/1",
        "data": {"a": 1.5},
    }
    structured = Received.from_http(
        {"content-type": "application/cloudevents+json"}, json.dumps(document).encode()
    )

    for received in (binary, structured):
        assert (received.id, received.source) == ("1", "/shophub/inventory")
        assert (received.type, received.subject) == (document["type"], "products/1")
        assert received.data == {"a": Decimal("1.5")}


def test_amounts_never_are_floats() -> None:
    received = Received.from_http(BINARY, b'{"price": 99999999999999999.99}')

    assert received.data["price"] == Decimal("99999999999999999.99")


def test_headers_are_percent_decoded() -> None:
    received = Received.from_http(BINARY | {"ce-subject": "caf%C3%A9%201"}, b"{}")

    assert received.subject == "café 1"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05.5Z", datetime(2026, 1, 2, 3, 4, 5, 500_000, UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
        ("yesterday", None),
    ],
)
def test_a_time_that_is_none_does_no_harm(text: str, moment: datetime | None) -> None:
    assert Received.from_http(BINARY | {"ce-time": text}, b"{}").time == moment


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_data_that_is_no_json_is_refused_where_it_is_read(body: bytes) -> None:
    received = Received.from_http(BINARY, body)

    assert received.body == body
    with pytest.raises(BadRequest):
        _ = received.data


@pytest.mark.parametrize("missing", ["ce-id", "ce-source", "ce-type", "ce-specversion"])
def test_what_lacks_an_attribute_is_no_cloudevent(missing: str) -> None:
    headers = {name: value for name, value in BINARY.items() if name != missing}

    with pytest.raises(BadRequest):
        Received.from_http(headers, b"{}")


def test_every_type_has_a_short_name_and_others_share_one() -> None:
    assert [short_name(event.type()) for event in EVENTS] == [event.name for event in EVENTS]
    assert short_name("com.elsewhere") == "other"
