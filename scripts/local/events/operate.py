"""An operator's hands on the events: watch them go by, or send one."""

import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from local.events.cloudevent import Event, from_record
from local.events.feed import to_record
from local.layout import ROOT, PlatformError
from local.manifests import Manifests

_PREFIX = "com.shophub."
_SHOWN_BYTES = 400


def tail(described: Manifests, address: str, *, from_beginning: bool) -> None:
    """Print each event of every topic, one a line, until interrupted."""
    topics = sorted({topic for source in described.kafka_sources for topic in source.topics})
    try:
        consumer = KafkaConsumer(
            *topics,
            bootstrap_servers=address,
            auto_offset_reset="earliest" if from_beginning else "latest",
            metrics_enabled=False,
        )
    except KafkaError:
        raise PlatformError(f"Kafka does not answer at {address}.") from None
    print(f"Watching {', '.join(topics)}; Ctrl-C ends it.", file=sys.stderr, flush=True)
    for record in consumer:
        event = from_record(to_record(record), namespace="shop", source="tail")
        print(_line(record.topic, record.timestamp, event), flush=True)


def _line(topic: str, timestamp: int, event: Event) -> str:
    clock = datetime.fromtimestamp(timestamp / 1000).astimezone().strftime("%H:%M:%S.%f")[:-3]
    attributes = event.attributes
    kind = attributes["type"].removeprefix(_PREFIX)
    why = attributes.get("knativeerrorcode")
    failed = f"  [{attributes.get('knativeerrordest')} answered {why or 'nothing'}]"
    return (
        f"{clock}  {topic:<17} {kind:<24} {attributes.get('subject', ''):<18} "
        f"{event.data[:_SHOWN_BYTES].decode('utf-8', 'replace')}"
        f"{failed if 'knativeerrordest' in attributes else ''}"
    )


def emit(address: str, kind: str, data: str, subject: str) -> str:
    """Send a CloudEvent of a type that eventing/event-types declares; returns where it went.

    `kind` is a type, or its middle part (`product.created`); `data` is JSON.
    """
    known = _event_types()
    full = kind if kind in known else f"{_PREFIX}{kind}.v1"
    if full not in known:
        names = ", ".join(sorted(name.removeprefix(_PREFIX).removesuffix(".v1") for name in known))
        raise PlatformError(f"{kind!r} is no event of the shop; TYPE is one of {names}.")
    try:
        json.loads(data)
    except ValueError as error:
        raise PlatformError(f"DATA is not JSON: {error}.") from None
    source, topic = known[full]
    key = subject.rpartition("/")[2]
    event = Event(
        {
            "specversion": "1.0",
            "type": full,
            "source": source,
            "id": str(uuid.uuid4()),
            "subject": subject,
            "partitionkey": key,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
        "application/json",
        data.encode(),
        {},
    )
    _send(address, topic, key, event)
    return f"{topic}: {full} {event.attributes['id']}"


def _send(address: str, topic: str, key: str, event: Event) -> None:
    try:
        producer = KafkaProducer(bootstrap_servers=address, acks="all", metrics_enabled=False)
        producer.send(topic, value=event.data, key=key.encode(), headers=event.kafka_headers()).get(
            timeout=10
        )
        producer.close(timeout=5)
    except KafkaError as error:
        raise PlatformError(f"Kafka at {address} did not take the event: {error}.") from None


def _event_types() -> dict[str, tuple[str, str]]:
    """Each declared type with its source attribute and its topic."""
    folder = ROOT / "eventing"
    topics = {
        source["metadata"]["name"]: source["spec"]["topics"][0]
        for source in _read(folder / "sources")
    }
    types = {}
    for declared in _read(folder / "event-types"):
        values = {each["name"]: each.get("value", "") for each in declared["spec"]["attributes"]}
        topic = topics[declared["spec"]["reference"]["name"]]
        types[values["type"]] = (values["source"], topic)
    return types


def _read(folder: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))]
