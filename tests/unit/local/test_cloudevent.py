import base64
import json
from collections.abc import Sequence

from local.events.cloudevent import Event, Record, from_record


def _record(
    value: bytes, headers: Sequence[tuple[str, bytes | None]] = (), key: bytes | None = None
) -> Record:
    return Record("inventory-events", 2, 7, 1_700_000_000_000, key, value, headers)


def _read(record: Record) -> Event:
    return from_record(record, namespace="shop", source="inventory")


_BINARY: list[tuple[str, bytes | None]] = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"/shophub/inventory"),
    ("ce_type", b"com.shophub.product.created.v1"),
    ("ce_subject", "products/ü 1".encode()),
    ("content-type", b"application/json"),
    ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
]


def test_a_binary_event_becomes_headers_and_a_body() -> None:
    event = _read(_record(b'{"id": 1}', _BINARY))
    headers = event.http_headers()
    assert headers["ce-type"] == "com.shophub.product.created.v1"
    assert headers["ce-subject"] == "products/%C3%BC%201"
    assert headers["content-type"] == "application/json"
    assert headers["traceparent"].startswith("00-0af7")
    assert event.data == b'{"id": 1}'


def test_an_event_on_kafka_comes_back_as_it_was() -> None:
    event = _read(_record(b"{}", _BINARY))
    headers: list[tuple[str, bytes | None]] = list(event.kafka_headers())
    assert _read(_record(b"{}", headers)) == event


def test_a_structured_event_is_sent_on_in_binary_mode() -> None:
    members = {
        "specversion": "1.0",
        "id": "1",
        "source": "/x",
        "type": "t",
        "datacontenttype": "application/json",
        "data": {"a": 1},
    }
    content_type = b"application/cloudevents+json; charset=utf-8"
    record = _record(json.dumps(members).encode(), [("content-type", content_type)])
    event = _read(record)
    assert event.attributes["type"] == "t"
    assert json.loads(event.data) == {"a": 1}
    assert "data" not in event.attributes


def test_a_record_that_is_no_event_is_wrapped_with_where_it_lay() -> None:
    event = _read(_record(b"hello", [("Trace-Id", b"9")], key=b"k"))
    assert event.attributes == {
        "specversion": "1.0",
        "type": "dev.knative.kafka.event",
        "source": "/apis/v1/namespaces/shop/kafkasources/inventory#inventory-events",
        "id": "partition:2/offset:7",
        "subject": "partition:2#7",
        "time": "2023-11-14T22:13:20+00:00",
        "partitionkey": "k",
        "key": "k",
        "kafkaheadertraceid": "9",
    }
    assert event.data == b"hello"


def test_an_event_without_an_id_counts_as_none() -> None:
    headers = [header for header in _BINARY if header[0] != "ce_id"]
    assert _read(_record(b"{}", headers)).attributes["type"] == "dev.knative.kafka.event"


def test_a_dead_letter_says_where_it_failed_and_how() -> None:
    failed = _read(_record(b"{}", _BINARY)).failed("http://sink", 503, b"x" * 2000)
    assert failed.attributes["knativeerrordest"] == "http://sink"
    assert failed.attributes["knativeerrorcode"] == "503"
    assert base64.b64decode(failed.attributes["knativeerrordata"]) == b"x" * 1024
    assert failed.attributes["id"] == "1"


def test_a_dead_letter_of_a_silent_sink_has_no_status() -> None:
    failed = _read(_record(b"{}", _BINARY)).failed("http://sink", None, b"")
    assert "knativeerrorcode" not in failed.attributes
