"""Events are believed as their source has signed them, and not otherwise."""

from typing import Any

import pytest

from shop import keys
from shop.event_signatures import holds, signature
from shop.events import Received
from tests.support.trust import as_if_by, secrets, signer

VERIFIER = keys.Verifier(keys.read_set(secrets()["trusted-keys"]["TRUSTED_KEYS"]))
DATA = b'{"order_id":1}'
EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shophub/orders",
    "type": "com.shophub.order.created.v1",
    "subject": "orders/1",
    "time": "2026-01-02T03:04:05.600000Z",
}


def received(made: str | None, *, data: bytes = DATA, **others: Any) -> Received:
    attributes = EVENT | others | ({} if made is None else {"signature": made})
    return Received(
        attributes["id"], attributes["source"], attributes["type"], data, attributes, 0.0
    )


def signed(by: str = "orders-relay", **others: str) -> str:
    return signature(signer(by), EVENT | others, DATA)


@pytest.mark.parametrize("by", ["orders-relay", "operator"])
def test_an_event_holds_as_it_was_signed(by: str) -> None:
    assert holds(VERIFIER, received(signed(by)))


@pytest.mark.parametrize(
    "time",
    ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600+00:00", "2026-01-02T04:04:05.6+01:00"],
)
def test_a_time_in_another_form_is_the_same_time(time: str) -> None:
    assert holds(VERIFIER, received(signed(), time=time))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "e-2"), ("source", "/shophub/inventory"), ("source", "/elsewhere"),
        ("type", "com.shophub.order.rejected.v1"), ("subject", "orders/2"), ("subject", None),
        ("time", "2026-01-02T03:04:05.600001Z"), ("time", None), ("time", "x"),
    ],
)  # fmt: skip
def test_an_event_that_was_changed_does_not_hold(name: str, value: str | None) -> None:
    assert not holds(VERIFIER, received(signed(), **{name: value}))  # type: ignore[arg-type]


def test_an_event_with_other_data_does_not_hold() -> None:
    assert not holds(VERIFIER, received(signed(), data=DATA.replace(b"1", b"2")))


FORGED = {
    "no signature": None,
    "an empty one": "",
    "no key and no text": ":",
    "no text": "orders-relay.1",
    "an empty text": "orders-relay.1:",
    "no base64": "orders-relay.1:ä",
    "an unknown key": "orders-relay.9:AA",
    "the inventory's": signed("inventory-relay"),
    "the gateway's": signed("gateway"),
    "the orders' own": signed("orders"),
    "another key of that name": signature(as_if_by("orders-relay"), EVENT, DATA),
    "too many colons": signed().replace(":", "::"),
    "the operator's in the relay's name": signed("operator").replace("operator", "orders-relay"),
}


@pytest.mark.parametrize("what", FORGED)
def test_an_event_that_its_source_has_not_signed_does_not_hold(what: str) -> None:
    assert not holds(VERIFIER, received(FORGED[what]))


def test_a_part_of_one_member_is_not_taken_for_a_part_of_another() -> None:
    moved = received(signed(), id="e-1com", type=".shophub.order.created.v1")
    assert not holds(VERIFIER, moved)
