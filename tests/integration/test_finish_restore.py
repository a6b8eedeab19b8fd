"""What a restored database needs to go on in a world that has not been restored with it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shop import finish_restore
from shop.connection import Connection
from shop.finish_restore import finish
from tests.support import postgres
from tests.support.identity import Identity
from tests.support.notifications import Notifications
from tests.support.tables import Inventory, Orders, Tables

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
EVER = datetime.min.replace(tzinfo=UTC)


@pytest.fixture
def identity(database_server: postgres.Server) -> Iterator[Identity]:
    tables = Identity(database_server.urls["identity"])
    tables.empty()
    yield tables
    tables.close()


def finished(tables: Tables, area: str, to: datetime, since: datetime = EVER) -> list[str]:
    connection = Connection(tables.url, "test")
    try:
        return finish(connection, area, to=to, since=since)
    finally:
        connection.close()


def published(tables: Tables, *moments: datetime | None, type_: str = "created") -> list[str]:
    """Events that were published at these moments, or not yet; their ids."""
    return [
        tables.value(
            "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, published_at)"
            " VALUES ('orders', '1', %s, '{}', %s) RETURNING id::text",
            type_, moment,
        )
        for moment in moments
    ]  # fmt: skip


def waiting(tables: Tables) -> list[str]:
    rows = tables.rows("SELECT id::text FROM outbox WHERE published_at IS NULL ORDER BY position")
    return [row[0] for row in rows]


@pytest.mark.parametrize("area", ["inventory", "orders"])
def test_what_was_published_goes_out_again_under_its_id_and_in_its_order(
    area: str, inventory: Inventory, orders: Orders
) -> None:
    tables = {"inventory": inventory, "orders": orders}[area]
    ids = published(tables, NOW - 3 * DAY, None, NOW - 2 * DAY, NOW - DAY)

    (line,) = finished(tables, area, NOW)

    assert waiting(tables) == ids
    assert line.startswith(f"{area}: 3 events go out again")


def test_more_events_than_a_batch_holds_all_go_out(inventory: Inventory) -> None:
    inventory.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, published_at)"
        " SELECT 'products', '1', 'updated', '{}', %s FROM generate_series(1, 2500)",
        NOW,
    )

    finished(inventory, "inventory", NOW)

    assert len(waiting(inventory)) == 2500


def test_what_is_published_after_the_moment_or_before_the_window_stays(orders: Orders) -> None:
    _, within, _ = published(orders, NOW - 2 * DAY, NOW - DAY, NOW)

    finished(orders, "orders", NOW - timedelta(hours=1), NOW - timedelta(days=1.5))

    assert waiting(orders) == [within]


def test_an_event_that_goes_out_again_is_counted_once(orders: Orders) -> None:
    published(orders, NOW, NOW, type_="created")
    published(orders, NOW, None, type_="cancelled")
    # Others were pruned since they were published.
    orders.run("INSERT INTO published_tally VALUES ('created', 7), ('cancelled', 1), ('more', 3)")

    finished(orders, "orders", NOW)

    assert dict(orders.rows("SELECT type, published FROM published_tally")) == {
        "created": 5, "cancelled": 0, "more": 3,
    }  # fmt: skip


def test_finishing_twice_changes_nothing_that_has_gone_out_meanwhile(orders: Orders) -> None:
    published(orders, NOW - DAY, NOW - DAY)
    orders.run("INSERT INTO published_tally VALUES ('created', 2)")
    finished(orders, "orders", NOW)
    orders.run("UPDATE outbox SET published_at = clock_timestamp()")
    orders.run("UPDATE published_tally SET published = 2")

    finished(orders, "orders", NOW)

    assert waiting(orders) == []
    assert orders.value("SELECT published FROM published_tally") == 2


def test_the_inbox_remembers_anew_what_will_come_again(notifications: Notifications) -> None:
    for age in (13, 20):
        notifications.run(
            "INSERT INTO inbox (consumer, source, event_id, received_at)"
            " VALUES ('notify_order', '/shophub/orders', %s, %s)",
            f"of {age} days", NOW - age * DAY,
        )  # fmt: skip

    finished(notifications, "notifications", NOW - 10 * DAY, NOW - 14 * DAY)

    recent = notifications.rows("SELECT event_id FROM inbox WHERE received_at > %s", NOW - DAY)
    assert recent == [("of 13 days",)]


def test_a_dead_letter_that_was_replayed_into_the_emptied_topic_waits_again(
    notifications: Notifications,
) -> None:
    for number, replayed in enumerate((None, NOW, NOW), 1):
        notifications.run(
            "INSERT INTO dead_letters (source, event_id, type, subject, destination, attributes,"
            " data, replayed_at) VALUES ('/shophub/orders', %s, 't', 's', 'd', '{}', '', %s)",
            f"event-{number}", replayed,
        )  # fmt: skip
    # The third was told of.
    notifications.run("INSERT INTO inbox VALUES ('notify_order', '/shophub/orders', 'event-3')")

    finished(notifications, "notifications", NOW + DAY)

    rows = notifications.rows("SELECT event_id FROM dead_letters WHERE replayed_at IS NULL")
    assert sorted(rows) == [("event-1",), ("event-2",)]


def test_a_number_that_may_be_known_outside_is_not_given_again(orders: Orders) -> None:
    insert = "INSERT INTO orders (reservation_id, items) VALUES (%s, '[]') RETURNING id"
    before = orders.value(insert, uuid4())

    finished(orders, "orders", datetime.now(UTC))
    assert before < 1_000_000 < orders.value(insert, uuid4()) < 1_000_100

    # A shop that sold until now has given more than a million within half an hour.
    finished(orders, "orders", datetime.now(UTC) - timedelta(minutes=30))
    assert 2_800_000 < orders.value(insert, uuid4()) < 4_000_100


def test_every_session_ends_since_some_had_ended_after_the_moment(identity: Identity) -> None:
    account = identity.value(
        "INSERT INTO accounts (email, password_hash) VALUES ('ada@example.com', '$argon2id$')"
        " RETURNING id"
    )
    for family, begun in ((b"a", NOW - DAY), (b"b", NOW + DAY)):
        identity.run(
            "INSERT INTO sessions (account_id, family_hash, live_hashes, created_at, expires_at)"
            " VALUES (%s, %s, ARRAY[%s]::bytea[], %s, %s)",
            account, family * 32, family * 32, begun, NOW + 30 * DAY,
        )  # fmt: skip

    assert finished(identity, "identity", NOW) == ["identity: 1 sessions have ended"]
    # The second began after the shop had come back.
    assert identity.revoked() == [True, False]
    assert finished(identity, "identity", NOW) == ["identity: 0 sessions have ended"]


def test_it_runs_as_a_command(
    orders: Orders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", orders.url)
    published(orders, NOW)

    assert finish_restore.main(["orders", "--to", (NOW + DAY).isoformat()]) == 0
    assert "orders: 1 events go out again" in capsys.readouterr().out

    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert finish_restore.main(["orders", "--to", "2026-11-27T20:15:00Z"]) == 1
    assert "does not answer" in capsys.readouterr().err

    monkeypatch.delenv("DATABASE_URL")
    assert finish_restore.main(["orders", "--to", "2026-11-27T20:15:00Z"]) == 2


@pytest.mark.parametrize("text", ["2026-11-27T20:15:00", "tomorrow"])
def test_a_moment_without_a_zone_is_none(text: str) -> None:
    with pytest.raises(SystemExit):
        finish_restore.main(["orders", "--to", text])
