import base64
from typing import Any

import pytest

from tests.support.notifications import LAPTOP, WIDE, Notifications, Told

DESTINATION = "http://notify-inventory.shop.svc.cluster.local"


async def bury(told: Told, data: Any = LAPTOP, **attributes: str) -> None:
    given = {"knativeerrordest": DESTINATION, "knativeerrorcode": "400"} | attributes
    id_ = given.pop("id", "7")
    answer = await told.send("record_dead_letter", data=data, id_=id_, **given)
    assert (answer.status, answer.body) == (204, b"")


async def test_a_dead_letter_is_kept_whole(told: Told, notifications: Notifications) -> None:
    error = base64.b64encode('{"title": "Größe"}'.encode()).decode()

    await bury(
        told, b'{"price": 999.90}', subject="products/1", partitionkey="1", knativeerrordata=error
    )

    row = notifications.row(
        "SELECT source, event_id, type, subject, destination, error_code, error, attributes, data,"
        " data_is_base64, replayed_at FROM dead_letters"
    )
    assert row[:4] == ("/shophub/inventory", "7", "com.shophub.product.created.v1", "products/1")
    assert row[4:7] == (DESTINATION, 400, '{"title": "Größe"}')
    assert row[7]["partitionkey"] == "1"
    assert row[7]["knativeerrordest"] == DESTINATION
    assert row[8:] == ('{"price": 999.90}', False, None)


async def test_one_that_comes_again_tells_of_its_last_failure_and_waits_again(
    told: Told, notifications: Notifications
) -> None:
    await bury(told)
    notifications.run("UPDATE dead_letters SET replayed_at = now()")
    await bury(told, knativeerrorcode="503", knativeerrordata="{}")

    rows = notifications.rows("SELECT error_code, error, replayed_at FROM dead_letters")
    assert rows == [(503, "{}", None)]


async def test_what_two_destinations_did_not_take_is_two_letters(
    told: Told, notifications: Notifications
) -> None:
    await bury(told)
    await bury(told, knativeerrordest="http://elsewhere")

    assert notifications.value("SELECT count(*) FROM dead_letters") == 2


@pytest.mark.parametrize(
    ("data", "kept", "is_base64"),
    [
        (b"{", "{", False),
        (b"", "", False),
        (b"\xff\x00", base64.b64encode(b"\xff\x00").decode(), True),
        (b"a\x00b", base64.b64encode(b"a\x00b").decode(), True),
    ],
)
async def test_data_of_any_kind_is_kept(
    told: Told, notifications: Notifications, data: bytes, kept: str, *, is_base64: bool
) -> None:
    await bury(told, data)

    assert notifications.rows("SELECT data, data_is_base64 FROM dead_letters") == [
        (kept, is_base64)
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        {"id": "x" * 5_000},
        {"id": WIDE, "source": WIDE, "knativeerrordest": WIDE},
        {"knativeerrorcode": "many"},
        {"knativeerrorcode": "99999999999"},
        {"knativeerrordata": "x" * 7_000},
        {"time": "yesterday"},
        {"subject": "%E2%98%83"},
        {"id": "%00"},
    ],
)
async def test_strange_attributes_keep_no_event_out(
    told: Told, notifications: Notifications, attributes: dict[str, str]
) -> None:
    await bury(told, **attributes)

    assert notifications.value("SELECT count(*) FROM dead_letters") == 1


async def test_long_ids_that_differ_at_their_end_stay_apart(
    told: Told, notifications: Notifications
) -> None:
    await bury(told, id="x" * 3_000 + "1")
    await bury(told, id="x" * 3_000 + "2")

    assert notifications.value("SELECT count(*) FROM dead_letters") == 2


async def test_a_structured_event_is_kept_too(told: Told, notifications: Notifications) -> None:
    body = rb'{"specversion": "1.0", "id": "\ud800", "source": "s", "type": "t", "data": {"a": 1}}'

    answer = await told.request(
        "POST",
        "record_dead_letter",
        "/",
        body,
        {"content-type": "application/cloudevents+json"},
    )

    assert answer.status == 204
    assert notifications.row("SELECT type, data FROM dead_letters") == ("t", '{"a": 1}')


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"specversion": [], "id": "1", "source": "s", "type": "t"}']
)
async def test_what_is_no_cloudevent_is_refused(
    told: Told, notifications: Notifications, body: bytes
) -> None:
    answer = await told.request(
        "POST", "record_dead_letter", "/", body, {"content-type": "application/json"}
    )

    assert answer.status == 400
    assert notifications.value("SELECT count(*) FROM dead_letters") == 0
