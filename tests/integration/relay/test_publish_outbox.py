import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from kafka.errors import KafkaError, KafkaTimeoutError

from relay import publish_outbox
from relay.publish_outbox import Relay
from shop.connection import Connection
from shop.event_signatures import holds
from shop.events import Received
from shop.keys import TRUSTED, Verifier, read_set
from shop.settings import SettingError
from tests.support import trust
from tests.support.kafka import Broker, Record
from tests.support.tables import Inventory, Orders, Tables

MakeRelay = Callable[..., Relay]
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def write(
    tables: Tables, aggregate_id: object, number: int = 0, name: str = "product.updated"
) -> None:
    """An event of the aggregate, with its number among them as data."""
    kind = "orders" if name.startswith("order.") else "products"
    tables.run(
        "INSERT INTO outbox (aggregatetype, aggregateid, type, payload, traceparent)"
        " VALUES (%s, %s, %s, %s, %s)",
        kind, str(aggregate_id), f"com.shophub.{name}.v1", f'{{"number":  {number}}}', TRACEPARENT,
    )  # fmt: skip


def unpublished(tables: Tables) -> int:
    count: int = tables.value("SELECT count(*) FROM outbox WHERE published_at IS NULL")
    return count


def publish(relay: Relay, tables: Tables, within: float = 20.0) -> None:
    """Turn the relay until the outbox is empty."""
    deadline = time.monotonic() + within
    while unpublished(tables):
        assert time.monotonic() < deadline, "the outbox does not drain"
        time.sleep(min(relay.turn(), 0.2))


def numbers(records: list[Record]) -> dict[bytes | None, list[int]]:
    """The numbers of each aggregate's records, in their order."""
    found: dict[bytes | None, list[int]] = defaultdict(list)
    for record in records:
        found[record.key].append(json.loads(record.value)["number"])
    return found


def test_an_event_is_on_kafka_as_a_cloudevent(
    make_relay: MakeRelay, inventory: Inventory, broker: Broker
) -> None:
    write(inventory, 17, 3, "product.created")

    publish(make_relay("inventory"), inventory)

    (record,) = broker.records("inventory-events")
    (id_,) = inventory.row("SELECT id FROM outbox")
    assert (record.key, record.value) == (b"17", b'{"number":  3}')
    moment = record.headers.pop("ce_time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", moment)
    assert record.headers == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": str(id_),
        "ce_source": "/shophub/inventory",
        "ce_type": "com.shophub.product.created.v1",
        "ce_subject": "products/17",
        "ce_dataschema": "https://shophub.example/schemas/com.shophub.product.created.v1.json",
        "ce_partitionkey": "17",
        "ce_traceparent": TRACEPARENT,
        "traceparent": TRACEPARENT,
    }


@pytest.mark.parametrize("area", ["inventory", "orders"])
def test_where_authentication_is_on_an_event_is_signed_by_its_relay(
    make_relay: MakeRelay, inventory: Inventory, orders: Orders, broker: Broker, area: str
) -> None:
    tables, name = {
        "inventory": (inventory, "product.created"), "orders": (orders, "order.created"),
    }[area]  # fmt: skip
    write(tables, 17, 3, name)

    publish(make_relay(area, **trust.trusting(f"{area}-relay")), tables)

    (record,) = broker.records({"inventory": "inventory-events", "orders": "order-events"}[area])
    headers = {k.replace("ce_", "ce-"): v for k, v in record.headers.items()}
    received = Received.from_http(headers, record.value)
    verifier = Verifier(read_set(trust.secrets()[TRUSTED]["TRUSTED_KEYS"]))
    assert record.headers["ce_signature"].startswith(f"{area}-relay.1:")
    assert holds(verifier, received)


def test_a_relay_without_its_key_says_what_is_missing(make_relay: MakeRelay) -> None:
    with pytest.raises(SettingError, match="IDENTITY_SIGNING_KEY is not set"):
        make_relay("orders", AUTH="on")
    with pytest.raises(SettingError, match="none of orders-relay"):
        make_relay("orders", **trust.trusting("inventory-relay"))


def test_an_aggregates_events_keep_their_order_and_all_are_there(
    make_relay: MakeRelay, inventory: Inventory, broker: Broker
) -> None:
    for number in range(40):
        for product in range(1, 6):
            write(inventory, product, number)

    publish(make_relay("inventory"), inventory)

    found = numbers(broker.records("inventory-events"))
    assert found == {str(product).encode(): list(range(40)) for product in range(1, 6)}


def test_a_relay_that_dies_before_it_marks_sends_again_under_the_same_id(
    make_relay: MakeRelay,
    inventory: Inventory,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(inventory, 1)
    relay = make_relay("inventory")

    def dies(*_: object) -> None:
        raise psycopg.OperationalError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(relay._outbox, "mark", dies)
        relay.turn()
    assert unpublished(inventory) == 1
    publish(make_relay("inventory"), inventory)

    first, second = broker.records("inventory-events")
    assert first.headers == second.headers
    assert first.value == second.value


class Acknowledged:
    """A record's future: acknowledged, refused, or without an answer."""

    def __init__(self, error: KafkaError | None) -> None:
        self._error = error
        self.is_done = True

    def get(self, timeout: float | None = None) -> object:
        del timeout
        if self._error is not None:
            raise self._error
        return None


class FailingProducer:
    """Refuses the records that `fails` picks, and acknowledges all others."""

    def __init__(self, fails: Callable[[int], bool], log: list[tuple[bytes, int]]) -> None:
        self._fails = fails
        self._log = log

    def send(self, topic: str, *, key: bytes, value: bytes, headers: Any) -> Acknowledged:
        del topic, headers
        self._log.append((key, json.loads(value)["number"]))
        if self._fails(len(self._log)):
            self._log.pop()
            self._log.append((b"failed", 0))
            return Acknowledged(KafkaTimeoutError("not in time"))
        return Acknowledged(None)

    def flush(self, timeout: float | None = None) -> None:
        """Nothing to send."""

    def close(self, timeout: float | None = None) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("each", [2, 3, 7])
def test_no_event_overtakes_another_of_its_aggregate_where_the_broker_fails(
    make_relay: MakeRelay, inventory: Inventory, monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    for number in range(10):
        for product in (1, 2, 3):
            write(inventory, product, number)
    log: list[tuple[bytes, int]] = []
    monkeypatch.setattr(
        publish_outbox, "connect", lambda *_: FailingProducer(lambda n: n % each == 0, log)
    )

    publish(make_relay("inventory"), inventory)

    assert log.count((b"failed", 0)) >= 4
    for key in (b"1", b"2", b"3"):
        assert [number for sent, number in log if sent == key] == list(range(10))


def test_what_is_acknowledged_beside_a_failure_is_not_sent_again(
    make_relay: MakeRelay, inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for product in range(1, 11):
        write(inventory, product)
    log: list[tuple[bytes, int]] = []
    monkeypatch.setattr(
        publish_outbox, "connect", lambda *_: FailingProducer(lambda n: n == 4, log)
    )

    publish(make_relay("inventory"), inventory)

    assert sorted(key for key, _ in log if key != b"failed") == sorted(
        str(product).encode() for product in range(1, 11)
    )


def test_a_second_relay_stands_by_until_the_first_has_ended(
    make_relay: MakeRelay, inventory: Inventory
) -> None:
    first, second = make_relay("inventory"), make_relay("inventory")
    first.turn()
    write(inventory, 1)

    assert second.turn() == 1.0
    assert unpublished(inventory) == 1
    first.close()
    publish(second, inventory)


def test_orders_that_reached_a_status_are_counted_once_whatever_is_sent_twice(
    make_relay: MakeRelay, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        write(orders, number, name="order.created")
    relay = make_relay("orders")
    publish(relay, orders)
    for number in range(3):
        write(orders, number, name="order.cancelled")
    with monkeypatch.context() as patch:
        # It marks, and does not learn that it did.
        mark = relay._outbox.mark

        def loses(connection: Connection, positions: list[int]) -> None:
            mark(connection, positions)
            raise psycopg.OperationalError("the server closed the connection")

        patch.setattr(relay._outbox, "mark", loses)
        relay.turn()
    publish(relay, orders)

    assert dict(orders.rows("SELECT type, published FROM published_tally")) == {
        "com.shophub.order.created.v1": 7,
        "com.shophub.order.cancelled.v1": 3,
    }


def test_events_wait_for_a_broker_that_is_away(
    make_relay: MakeRelay, inventory: Inventory, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    relay = make_relay("inventory")
    write(inventory, 1, 1)
    publish(relay, inventory)
    caplog.set_level("INFO")

    broker.stop()
    try:
        write(inventory, 1, 2)
        relay.turn()
        relay.turn()
        assert unpublished(inventory) == 1
    finally:
        broker.start()
    publish(relay, inventory, within=60)

    assert numbers(broker.records("inventory-events")) == {b"1": [1, 2]}
    said = [record.getMessage() for record in caplog.records if record.name == "shop.outage"]
    assert [line.split(" ")[:3] for line in said] == [
        ["Kafka", "does", "not"],
        ["Kafka", "answers", "again"],
    ]


def test_a_relay_outlives_its_connection_to_the_database(
    make_relay: MakeRelay, inventory: Inventory
) -> None:
    relay = make_relay("inventory")
    write(inventory, 1)
    publish(relay, inventory)

    inventory.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'shop-inventory-relay%%'"
    )
    write(inventory, 1)
    publish(relay, inventory)
