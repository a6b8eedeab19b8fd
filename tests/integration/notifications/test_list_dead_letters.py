from tests.support.notifications import Notifications, Told


async def test_dead_letters_come_newest_first_with_all_that_is_known(
    told: Told,
    notifications: Notifications,  # noqa: ARG001 - it is emptied
) -> None:
    await told.send(
        "record_dead_letter",
        id_="7",
        subject="products/1",
        knativeerrordest="http://notify",
        knativeerrorcode="400",
        knativeerrordata="no",
    )
    await told.send("record_dead_letter", "order.created", b"\xff", id_="8")

    newest, oldest = (await told.get("list_dead_letters", "/dead-letters")).json

    assert (newest["data"], newest["data_is_base64"]) == ("/w==", True)
    assert (newest["error_code"], newest["error"]) == (None, None)
    assert oldest["type"] == "com.shophub.product.created.v1"
    assert oldest["event_id"] == "7"
    assert (oldest["destination"], oldest["error_code"]) == ("http://notify", 400)
    assert oldest["attributes"]["subject"] == "products/1"
    assert oldest["replayed_at"] is None


async def test_pages_go_on_and_keep_their_type(
    told: Told,
    notifications: Notifications,  # noqa: ARG001 - it is emptied
) -> None:
    for number in range(5):
        await told.send("record_dead_letter", id_=str(number))
    await told.send("record_dead_letter", "order.created", id_="6")

    seen: list[str] = []
    following: str | None = "/dead-letters?limit=2&type=com.shophub.product.created.v1"
    while following:
        answer = await told.get("list_dead_letters", following)
        seen += [each["event_id"] for each in answer.json]
        following = answer.next

    assert seen == ["4", "3", "2", "1", "0"]


async def test_a_cursor_that_is_none_is_refused_by_name(told: Told) -> None:
    assert (await told.get("list_dead_letters", "/dead-letters?after=W10")).fields == ["after"]
