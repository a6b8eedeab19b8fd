import pytest

from shop.events import EVENTS
from tests.support.notifications import Notifications, Told


async def test_notifications_come_newest_first_with_all_that_was_told(
    told: Told, notifications: Notifications
) -> None:
    notifications.tell(2)

    answer = await told.get("list_notifications", "/notifications")

    newest, oldest = answer.json
    assert newest == {
        "id": 2,
        "type": "product.created",
        "title": "📦 New product added",
        "message": "Product 2",
        "source": "/shophub/inventory",
        "event_id": "2",
        "subject": "products/2",
        "created_at": newest["created_at"],
        "delivered_at": None,
    }
    assert oldest["id"] == 1
    assert newest["created_at"].endswith("Z")
    assert "link" not in answer.headers


async def test_every_page_links_to_the_next_and_together_they_hold_all(
    told: Told, notifications: Notifications
) -> None:
    notifications.tell(7)
    notifications.tell(3, "order.created")

    seen: list[int] = []
    following: str | None = "/notifications?limit=3&type=product.created"
    while following:
        answer = await told.get("list_notifications", following)
        assert answer.status == 200
        assert len(answer.json) <= 3
        seen += [each["id"] for each in answer.json]
        following = answer.next

    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_the_link_leads_through_the_gateway_that_was_asked(
    told: Told, notifications: Notifications
) -> None:
    notifications.tell(2)

    answer = await told.get(
        "list_notifications", "/notifications?limit=1", **{"X-Forwarded-Prefix": "/api"}
    )

    assert answer.next is not None
    assert answer.next.startswith("/api/notifications?limit=1&after=")


async def test_fifty_are_shown_where_nothing_else_is_asked(
    told: Told, notifications: Notifications
) -> None:
    notifications.tell(51)

    answer = await told.get("list_notifications", "/notifications")

    assert len(answer.json) == 50
    assert answer.next is not None


@pytest.mark.parametrize("name", [event.name for event in EVENTS])
async def test_every_type_of_event_can_be_filtered_by(told: Told, name: str) -> None:
    answer = await told.get("list_notifications", f"/notifications?type={name}")

    assert (answer.status, answer.json) == (200, [])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("type=product.sold", "type"),
        ("after=nonsense", "after"),
        ("colour=red", "colour"),
    ],
)
async def test_a_query_that_does_not_hold_is_refused_by_name(
    told: Told, query: str, field: str
) -> None:
    answer = await told.get("list_notifications", f"/notifications?{query}")

    assert answer.fields == [field]
