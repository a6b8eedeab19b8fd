"""CloudEvents as they come from Kafka, go out over HTTP, and end as dead letters."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

# The CloudEvents HTTP binding: printable ASCII but for space, double quote and percent.
_PLAIN = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("%", "")
_REQUIRED = ("specversion", "id", "source", "type")
_NOT_A_NAME = re.compile(r"[^a-z0-9]")
_TRACE_HEADERS = ("traceparent", "tracestate")
_MOST_ERROR_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Record:
    """What counts of a Kafka record. `timestamp` is in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent: `attributes` without datacontenttype, which is `content_type`."""

    attributes: Mapping[str, str]
    content_type: str | None
    data: bytes
    trace: Mapping[str, str]

    def http_headers(self) -> dict[str, str]:
        """The headers of the HTTP binding's binary mode."""
        headers = {f"ce-{name}": quote(v, safe=_PLAIN) for name, v in self.attributes.items()}
        if self.content_type is not None:
            headers["content-type"] = self.content_type
        return headers | dict(self.trace)

    def kafka_headers(self) -> list[tuple[str, bytes]]:
        """The headers of the Kafka binding's binary mode."""
        headers = [(f"ce_{name}", value.encode()) for name, value in self.attributes.items()]
        if self.content_type is not None:
            headers.append(("content-type", self.content_type.encode()))
        return headers + [(name, value.encode()) for name, value in self.trace.items()]

    def failed(self, destination: str, status: int | None, body: bytes) -> "Event":
        """The event as a dead letter: where it could not go, and what the answer was."""
        extensions = {"knativeerrordest": destination}
        if status is not None:
            extensions["knativeerrorcode"] = str(status)
            shown = base64.b64encode(body[:_MOST_ERROR_BYTES])
            extensions["knativeerrordata"] = shown.decode()
        merged = {**self.attributes, **extensions}
        return Event(merged, self.content_type, self.data, self.trace)


def from_record(record: Record, *, namespace: str, source: str) -> Event:
    """The event in a record; one that holds none is wrapped as KafkaSource wraps it."""
    headers = {
        name.lower(): value.decode("utf-8", "replace")
        for name, value in record.headers
        if value is not None
    }
    trace = {name: headers[name] for name in _TRACE_HEADERS if name in headers}
    content_type = headers.get("content-type")
    attributes = {k.removeprefix("ce_"): v for k, v in headers.items() if k.startswith("ce_")}
    if all(attributes.get(name) for name in _REQUIRED):
        return Event(attributes, content_type, record.value or b"", trace)
    if (content_type or "").startswith("application/cloudevents+json"):
        event = _structured(record.value or b"", trace)
        if event is not None:
            return event
    return _wrapped(record, headers, namespace, source)


def _structured(value: bytes, trace: Mapping[str, str]) -> Event | None:
    try:
        members: Any = json.loads(value)
    except ValueError:
        return None
    if not isinstance(members, dict) or not all(members.get(name) for name in _REQUIRED):
        return None
    content_type = members.pop("datacontenttype", "application/json")
    encoded, data = members.pop("data_base64", None), members.pop("data", None)
    try:
        body = base64.b64decode(encoded) if encoded else b""
    except (binascii.Error, TypeError):
        return None
    if data is not None:
        body = json.dumps(data, ensure_ascii=False).encode()
    return Event({k: str(v) for k, v in members.items()}, str(content_type), body, trace)


def _wrapped(record: Record, headers: Mapping[str, str], namespace: str, source: str) -> Event:
    origin = f"/apis/v1/namespaces/{namespace}/kafkasources/{source}#{record.topic}"
    attributes = {
        "specversion": "1.0",
        "type": "dev.knative.kafka.event",
        "source": origin,
        "id": f"partition:{record.partition}/offset:{record.offset}",
        "subject": f"partition:{record.partition}#{record.offset}",
        "time": datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(),
    }
    if record.key:
        key = record.key.decode("utf-8", "replace")
        attributes |= {"partitionkey": key, "key": key}
    for name, value in headers.items():
        if name != "content-type":
            attributes[f"kafkaheader{_NOT_A_NAME.sub('', name)}"] = value
    trace = {name: headers[name] for name in _TRACE_HEADERS if name in headers}
    return Event(attributes, headers.get("content-type"), record.value or b"", trace)
