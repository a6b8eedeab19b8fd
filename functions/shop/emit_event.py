"""Send a CloudEvent by hand: `python -m shop.emit_event product.deleted '{"product_id": 1, …}'`.

It goes to the topic of its type. Data that does not fit the type is refused, unless
`--unchecked` lets it through: that is how one sees where a poison event ends. Where there is an
operator's key, it is signed with that.
"""

import argparse
import json
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from kafka.errors import KafkaError
from pydantic import TypeAdapter, ValidationError

from shop.broker import connect, message, send
from shop.event_signatures import operator
from shop.events import BY_TYPE, PREFIX, SCHEMAS, SOURCES, TOPICS
from shop.settings import SettingError, Settings

_WAIT_SECONDS = 15.0


class EmitError(Exception):
    """The event cannot be sent; the message says what is wrong with it."""


def full_type(text: str) -> str:
    """The CloudEvents type of `product.created` or of `com.shophub.product.created.v1`."""
    return text if text.startswith(PREFIX) else f"{PREFIX}{text}.v1"


def event(
    type_: str, data: str, subject: str, *, unchecked: bool = False
) -> tuple[str, dict[str, str]]:
    """The topic and the attributes of an event with that data; EmitError where it is none."""
    known = BY_TYPE.get(type_)
    if unchecked:
        area = "orders" if type_.startswith(f"{PREFIX}order.") else "inventory"
        source = SOURCES[area] if known is None else known.source()
    elif known is None:
        names = ", ".join(each.name for each in BY_TYPE.values())
        raise EmitError(f"{type_} is no event of the shop; there are {names}")
    else:
        try:
            TypeAdapter(known).validate_python(json.loads(data, parse_float=Decimal))
        except ValidationError as error:
            raise EmitError(f"the data is no {known.name}: {_first(error)}") from None
        except ValueError as error:
            raise EmitError(f"the data is not JSON: {error}") from None
        source = known.source()
    return TOPICS[source], {
        "id": str(uuid.uuid4()),
        "source": source,
        "type": type_,
        "subject": subject,
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMAS}{type_}.json",
        "partitionkey": subject.rpartition("/")[2],
    }


def _first(error: ValidationError) -> str:
    failures = error.errors(include_url=False, include_input=False)
    place = ".".join(str(part) for part in failures[0]["loc"])
    return f"{place}: {failures[0]['msg']}"


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emit_event", description="Send a CloudEvent.")
    parser.add_argument("type", help="product.created, or the whole type")
    parser.add_argument("data", help="the data, as JSON")
    parser.add_argument("--subject", default="products/1", help="what it tells of")
    parser.add_argument("--unchecked", action="store_true", help="send it whatever it holds")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit status."""
    given = _arguments(arguments)
    try:
        settings = Settings()
        servers = settings.text("KAFKA_BOOTSTRAP_SERVERS")
        vouch = operator(settings)
        topic, attributes = event(
            full_type(given.type), given.data, given.subject, unchecked=given.unchecked
        )
    except (SettingError, EmitError) as error:
        print(error, file=sys.stderr)
        return 2
    data = given.data.encode()
    vouch(attributes, data)
    try:
        producer = connect(servers, "emit-event")
        send(producer, topic, message(attributes, data)).get(timeout=_WAIT_SECONDS)
        producer.close(timeout=1.0)
    except KafkaError as error:
        print(f"Kafka did not take the event: {error}", file=sys.stderr)
        return 1
    print(f"{attributes['type']} {attributes['id']} is on {topic}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
