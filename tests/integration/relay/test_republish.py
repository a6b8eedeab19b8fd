"""What was published goes out again after a restore: under its ids, in its order, counted once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from relay.publish_outbox import Relay
from shop import republish
from shop.connection import Connection
from tests.integration.relay.test_publish_outbox import numbers, publish, unpublished, write
from tests.support.kafka import Broker
from tests.support.tables import Inventory, Orders

MakeRelay = Callable[..., Relay]


def test_what_was_published_since_a_moment_is_published_again(
    make_relay: MakeRelay, broker: Broker, orders: Orders
) -> None:
    relay = make_relay("orders")
    write(orders, 1, 1, "order.created")
    publish(relay, orders)
    moment = orders.value("SELECT clock_timestamp()")
    for number in (2, 3):
        write(orders, 1, number, "order.created")
    publish(relay, orders)
    ids = orders.rows("SELECT id::text FROM outbox ORDER BY position")
    connection = Connection(orders.url, "test")

    assert republish.republish(connection, "orders", moment) == 2

    assert unpublished(orders) == 2
    assert orders.rows("SELECT type, published FROM published_tally") == [
        ("com.shophub.order.created.v1", 1)
    ]
    publish(relay, orders)
    connection.close()
    assert numbers(broker.records("order-events"))[b"1"] == [1, 2, 3, 2, 3]
    sent = [record.headers["ce_id"] for record in broker.records("order-events")]
    assert sent == [event for (event,) in [*ids, *ids[1:]]]
    assert orders.rows("SELECT type, published FROM published_tally") == [
        ("com.shophub.order.created.v1", 3)
    ]


def test_the_inventory_has_no_tally_to_set_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, inventory: Inventory
) -> None:
    write(inventory, 1)
    inventory.run("UPDATE outbox SET published_at = clock_timestamp()")
    monkeypatch.setenv("DATABASE_URL", inventory.url)
    since = datetime.now(UTC) - timedelta(hours=1)

    assert republish.main(["inventory", since.isoformat()]) == 0

    assert capsys.readouterr().out == "1 events of inventory will be published again.\n"
    assert unpublished(inventory) == 1


@pytest.mark.parametrize("since", ["yesterday", "2026-11-27T20:15:00"])
def test_a_moment_that_is_not_told_exactly_is_refused(since: str) -> None:
    with pytest.raises(SystemExit):
        republish.main(["orders", since])


def test_a_database_that_does_not_answer_is_told_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://orders@127.0.0.1:1/orders")

    assert republish.main(["orders", "2026-11-27T20:15:00Z"]) == 1

    assert "does not answer" in capsys.readouterr().err
