"""With authentication on, notifiers believe what its source has signed, and nothing else."""

import json
from typing import Any

import pytest

from shop.emit_event import full_type
from shop.event_signatures import signature
from tests.support import trust
from tests.support.notifications import LAPTOP, Notifications, Told
from tests.support.shop import Answer

SUBJECT, TIME = "products/1", "2026-01-02T03:04:05.000006Z"


def signed(by: str = "inventory-relay", id_: str = "7", data: Any = LAPTOP) -> str:
    attributes = {
        "id": id_,
        "source": "/shophub/inventory",
        "type": full_type("product.created"),
        "subject": SUBJECT,
        "time": TIME,
    }
    return signature(trust.signer(by), attributes, json.dumps(data).encode())


async def send(
    told: Told, function: str = "notify_inventory", data: Any = LAPTOP, **attributes: str
) -> Answer:
    id_ = attributes.pop("id", "7")
    given = {"subject": SUBJECT, "time": TIME} | attributes
    return await told.send(function, data=data, id_=id_, **given)


@pytest.mark.parametrize("by", ["inventory-relay", "operator"])
async def test_a_signed_event_is_told_of_once(
    guarded: Told, notifications: Notifications, by: str
) -> None:
    for _ in range(2):
        assert (await send(guarded, signature=signed(by))).status == 204

    assert len(notifications.told()) == 1


FORGED: dict[str, dict[str, Any]] = {
    "no signature": {},
    "no signature at all": {"signature": "x"},
    "of another event": {"signature": signed(id_="8")},
    "of the orders' relay": {"signature": signed("orders-relay")},
    "of the gateway": {"signature": signed("gateway")},
    "other data": {"signature": signed(), "data": LAPTOP | {"price": 0.01}},
    "another subject": {"signature": signed(), "subject": "products/2"},
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_event_is_told_of_to_nobody_and_not_tried_again(
    guarded: Told, notifications: Notifications, what: str
) -> None:
    answer = await send(guarded, **FORGED[what])

    # Of the statuses 4xx Knative repeats 404, 408, 409 and 429.
    assert (answer.status, answer.problem) == (403, "event-not-trusted")
    assert notifications.told() == []
    assert notifications.value("SELECT count(*) FROM inbox") == 0


async def test_an_event_that_comes_again_with_other_data_is_refused(
    guarded: Told, notifications: Notifications
) -> None:
    await send(guarded, signature=signed())
    before = notifications.told()

    answer = await send(guarded, signature=signed(), data=LAPTOP | {"stock": 1})

    assert answer.problem == "event-not-trusted"
    assert notifications.told() == before


async def test_an_identity_makes_no_event_true(guarded: Told, notifications: Notifications) -> None:
    answer = await guarded.request(
        "POST", "notify_inventory", "/", json.dumps(LAPTOP).encode(),
        {
            "ce-specversion": "1.0", "ce-id": "7", "ce-source": "/shophub/inventory",
            "ce-type": full_type("product.created"), "content-type": "application/json",
            "shop-identity": trust.identity("root", "admin"),
        },
    )  # fmt: skip

    assert (answer.status, notifications.told()) == (403, [])


async def bury(told: Told, **attributes: Any) -> None:
    answer = await send(told, "record_dead_letter", knativeerrordest="http://notify", **attributes)
    assert answer.status == 204


def letters(notifications: Notifications) -> list[tuple[bool | None, float]]:
    rows = notifications.rows(
        "SELECT verified, (data::json ->> 'price')::float FROM dead_letters ORDER BY id"
    )
    return [(verified, price) for verified, price in rows]


async def test_a_dead_letter_says_whether_its_source_has_signed_it(
    guarded: Told, notifications: Notifications
) -> None:
    await bury(guarded, signature=signed())
    await bury(guarded, id="8")

    assert letters(notifications) == [(True, 999.99), (False, 999.99)]
    shown = await guarded.get(
        "list_dead_letters", "/dead-letters", **{"shop-identity": trust.identity("r", "admin")}
    )
    assert [letter["verified"] for letter in shown.json] == [False, True]


async def test_a_forged_letter_takes_no_signed_ones_place(
    guarded: Told, notifications: Notifications
) -> None:
    forged = LAPTOP | {"price": 0.01}
    await bury(guarded, data=forged)
    assert letters(notifications) == [(False, 0.01)]
    await bury(guarded, signature=signed())
    assert letters(notifications) == [(True, 999.99)]
    await bury(guarded, data=forged)
    await bury(guarded, data=forged, signature=signed())
    assert letters(notifications) == [(True, 999.99)]


async def test_without_authentication_nobody_looks(
    told: Told, notifications: Notifications
) -> None:
    await bury(told, signature="x")

    assert letters(notifications) == [(None, 999.99)]
