"""Print the events as they go by: `python -m shop.tail_events [--from-beginning] [TOPIC …]`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from shop.events import DEAD_LETTERS, PREFIX, TOPICS
from shop.settings import SettingError, Settings

_MOST_DATA = 400


def line(topic: str, timestamp: int, attributes: Mapping[str, str], data: bytes) -> str:
    """A record as a line; `timestamp` is in milliseconds."""
    clock = datetime.fromtimestamp(timestamp / 1000, UTC).astimezone()
    name = attributes.get("type", "no CloudEvent").removeprefix(PREFIX)
    failed = ""
    if "knativeerrordest" in attributes:
        code = attributes.get("knativeerrorcode", "nothing")
        failed = f"  [{attributes['knativeerrordest']} answered {code}]"
    shown = data[:_MOST_DATA].decode("utf-8", "replace")
    return (
        f"{clock:%H:%M:%S}.{clock.microsecond // 1000:03d}  {topic:<17} {name:<22} "
        f"{attributes.get('subject', ''):<16} {shown}{failed}"
    )


def attributes_of(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    """The context attributes in the headers of a record in binary mode."""
    return {
        name.removeprefix("ce_"): (value or b"").decode("utf-8", "replace")
        for name, value in headers
        if name.startswith("ce_")
    }


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tail_events", description="Print events.")
    parser.add_argument(
        "topics", nargs="*", metavar="TOPIC", help="all of them where none is named"
    )
    parser.add_argument("--from-beginning", action="store_true", help="the old ones first")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit status."""
    given = _arguments(arguments)
    topics = given.topics or [*TOPICS.values(), DEAD_LETTERS]
    try:
        consumer: Any = KafkaConsumer(
            *topics,
            bootstrap_servers=Settings().text("KAFKA_BOOTSTRAP_SERVERS").split(","),
            auto_offset_reset="earliest" if given.from_beginning else "latest",
            bootstrap_timeout_ms=5_000,
            metrics_enabled=False,
        )
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    except KafkaError as error:
        print(f"Kafka does not answer: {error}", file=sys.stderr)
        return 1
    print(f"Watching {', '.join(topics)}; Ctrl-C ends it.", file=sys.stderr, flush=True)
    with suppress(KeyboardInterrupt):
        for record in consumer:
            attributes = attributes_of(record.headers)
            print(line(record.topic, record.timestamp, attributes, record.value or b""), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
