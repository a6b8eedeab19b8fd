"""What an operator does with events by hand: emit, watch, replay, and make topics."""

import json
import time
from typing import Any

import pytest

from shop import broker as shop_broker
from shop import create_topics, emit_event, event_signatures, replay_dead_letters, tail_events
from shop.events import Received
from shop.keys import TRUSTED, Verifier, read_set
from tests.support import trust
from tests.support.kafka import Broker, Record
from tests.support.notifications import LAPTOP, Notifications

DELETED = '{"product_id": 7, "product": "Lamp"}'


@pytest.fixture(autouse=True)
def _environment(
    monkeypatch: pytest.MonkeyPatch, broker: Broker, notifications: Notifications
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.servers)
    monkeypatch.setenv("DATABASE_URL", notifications.url)


def test_an_emitted_event_is_like_one_of_the_shop(
    broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emit_event.main(["product.deleted", DELETED, "--subject", "products/7"]) == 0

    (record,) = broker.records("inventory-events")
    assert (record.key, record.value.decode()) == (b"7", DELETED)
    assert record.headers["ce_type"] == "com.shophub.product.deleted.v1"
    assert record.headers["ce_source"] == "/shophub/inventory"
    assert record.headers["ce_id"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["product.sold", "{}"], "com.shophub.product.sold.v1 is no event of the shop"),
        (["product.deleted", "{"], "the data is not JSON"),
        (["product.deleted", "{}"], "the data is no product.deleted: product_id"),
        (["order.created", json.dumps(LAPTOP)], "the data is no order.created: order_id"),
    ],
)
def test_an_event_that_does_not_fit_is_not_emitted(
    broker: Broker, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert emit_event.main(arguments) == 2

    assert capsys.readouterr().err.startswith(reason)
    assert broker.records("inventory-events") == []


def test_a_poison_event_is_emitted_where_it_is_asked_for(broker: Broker) -> None:
    assert emit_event.main(["order.created", "{", "--unchecked"]) == 0

    (record,) = broker.records("order-events")
    assert record.value == b"{"


def bury(
    notifications: Notifications, number: int, *, verified: bool | None = None, **columns: Any
) -> None:
    attributes = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "/shophub/inventory",
        "type": "com.shophub.product.deleted.v1",
        "subject": "products/7",
        "time": "2026-01-02T03:04:05.000006Z",
        "partitionkey": "7",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "knativeerrordest": "http://notify",
        "knativeerrorcode": "400",
        "knativeerrordata": "bm8=",
    } | columns
    notifications.run(
        "INSERT INTO dead_letters (source, event_id, type, subject, destination, error_code,"
        " attributes, data, verified)"
        " VALUES (%s, %s, %s, 'products/7', 'http://notify', 400, %s, %s, %s)",
        attributes["source"], attributes["id"], attributes["type"], json.dumps(attributes), DELETED,
        verified,
    )  # fmt: skip


def replayed(notifications: Notifications) -> list[int]:
    rows = notifications.rows(
        "SELECT id FROM dead_letters WHERE replayed_at IS NOT NULL ORDER BY id"
    )
    return [row[0] for row in rows]


def test_without_an_option_dead_letters_are_only_listed(
    notifications: Notifications, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(notifications, 1)

    assert replay_dead_letters.main(["--list"]) == 0

    assert capsys.readouterr().out == (
        "1  com.shophub.product.deleted.v1  products/7  http://notify answered 400\n"
    )
    assert broker.records("inventory-events") == []
    assert replayed(notifications) == []


def test_a_replayed_event_is_what_it_was_before_it_failed(
    notifications: Notifications, broker: Broker
) -> None:
    bury(notifications, 1)

    assert replay_dead_letters.main([]) == 0

    (record,) = broker.records("inventory-events")
    assert (record.key, record.value.decode()) == (b"7", DELETED)
    assert record.headers["ce_id"] == "event-1"
    assert record.headers["ce_subject"] == "products/7"
    assert record.headers["ce_time"] == "2026-01-02T03:04:05.000006Z"
    assert record.headers["content-type"] == "application/json"
    assert not [name for name in record.headers if "knativeerror" in name]
    assert replayed(notifications) == [1]


def test_what_is_replayed_can_be_chosen(
    notifications: Notifications, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2, 3):
        bury(notifications, number)
    bury(notifications, 4, source="/shophub/orders", type="com.shophub.order.created.v1")

    replay_dead_letters.main(["--id", "2", "--id", "99"])
    replay_dead_letters.main(["--type", "com.shophub.order.created.v1"])
    assert replayed(notifications) == [2, 4]
    assert len(broker.records("order-events")) == 1
    replay_dead_letters.main([])
    assert replayed(notifications) == [1, 2, 3, 4]
    capsys.readouterr()
    replay_dead_letters.main([])
    assert capsys.readouterr().out == "There is no such dead letter.\n"


def holds(record: Record) -> bool:
    """Whether the record is an event that a notifier would believe."""
    headers = {name.replace("ce_", "ce-"): value for name, value in record.headers.items()}
    verifier = Verifier(read_set(trust.secrets()[TRUSTED]["TRUSTED_KEYS"]))
    return event_signatures.holds(verifier, Received.from_http(headers, record.value))


@pytest.fixture
def operators_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in trust.secrets()["operator-signing-key"].items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("operators_key")
def test_an_operators_event_is_signed(broker: Broker) -> None:
    assert emit_event.main(["product.deleted", DELETED, "--subject", "products/7"]) == 0

    (record,) = broker.records("inventory-events")
    assert record.headers["ce_signature"].startswith("operator.1:")
    assert holds(record)


@pytest.mark.usefixtures("operators_key")
def test_what_its_source_has_not_signed_is_replayed_only_if_the_operator_vouches_for_it(
    notifications: Notifications, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(notifications, 1, verified=False)
    bury(notifications, 2, verified=True, signature="inventory-relay.1:kept")

    assert replay_dead_letters.main(["--list"]) == 0
    assert "400, not signed by its source\n" in capsys.readouterr().out
    assert replay_dead_letters.main([]) == 0
    assert "1  left: /shophub/inventory has not signed it" in capsys.readouterr().out
    assert replayed(notifications) == [2]
    (record,) = broker.records("inventory-events")
    assert record.headers["ce_signature"] == "inventory-relay.1:kept"

    assert replay_dead_letters.main(["--unverified"]) == 0
    assert replayed(notifications) == [1, 2]
    assert [holds(each) for each in broker.records("inventory-events")] == [False, True]


def test_one_that_fails_again_before_it_is_marked_still_waits(
    notifications: Notifications, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(notifications, 1)

    def comes_back(*arguments: Any) -> Any:
        notifications.run("UPDATE dead_letters SET received_at = clock_timestamp()")
        return shop_broker.send(*arguments)

    monkeypatch.setattr(replay_dead_letters, "send", comes_back)

    assert replay_dead_letters.main([]) == 0

    assert len(broker.records("inventory-events")) == 1
    assert replayed(notifications) == []


def test_an_event_of_nobodys_is_left(
    notifications: Notifications, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(notifications, 1, source="/elsewhere")

    assert replay_dead_letters.main([]) == 0

    assert capsys.readouterr().out == "1  left: no topic belongs to /elsewhere\n"
    assert replayed(notifications) == []


def test_a_letter_that_kafka_does_not_take_is_not_marked(
    notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(notifications, 1)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")

    assert replay_dead_letters.main([]) == 1

    assert replayed(notifications) == []


def test_events_are_shown_as_they_go_by(
    broker: Broker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    emit_event.main(["product.deleted", DELETED, "--subject", "products/7"])
    lines: list[str] = []

    def show(topic: str, *rest: Any) -> str:
        text = original(topic, *rest)
        lines.append(text)
        if "Lamp" in text:
            raise KeyboardInterrupt
        return text

    original = tail_events.line
    monkeypatch.setattr(tail_events, "line", show)
    capsys.readouterr()

    assert tail_events.main(["inventory-events", "--from-beginning"]) == 0

    assert "product.deleted.v1" in lines[-1]
    assert "products/7" in lines[-1]
    assert broker.records("inventory-events")


def test_topics_are_made_once_and_their_settings_follow(broker: Broker) -> None:
    client = create_topics.connect(broker.servers)
    name = f"made-{time.monotonic_ns()}"
    topic = create_topics.Topic(name, 3, {"retention.ms": "1000"})
    try:
        assert create_topics.ensure(client, [topic], 1) == [f"{name}: made with 3 partitions"]
        assert create_topics.ensure(client, [topic], 1) == [f"{name}: as asked for"]

        longer = create_topics.Topic(name, 6, {"retention.ms": "2000"})
        (line,) = create_topics.ensure(client, [longer], 1)
        assert line.startswith(f"{name}: retention.ms set to 2000; has 3 partitions where 6")
        (found,) = client.describe_topics([name])
        assert len(found["partitions"]) == 3
    finally:
        client.delete_topics([name])
        client.close()
