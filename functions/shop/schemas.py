"""Write the JSON Schemas of the events: `python -m shop.schemas` (from the project's root).

They are made from the dataclasses in events.py, one file a type, and are a public contract: a
member may be added; to change or remove one takes a new version of the type.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shop.events import EVENTS, SCHEMAS, Event

FOLDER = Path(__file__).resolve().parents[2] / "eventing" / "schemas"


class _Generator(GenerateJsonSchema):
    """Amounts are JSON numbers on the wire, and members need no titles beside their names."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """An amount of money."""
        del schema
        return {
            "type": "number",
            "minimum": 0,
            "description": "An amount of money, exact to two decimals: read it as a decimal.",
            "examples": [999.99],
        }

    def field_title_should_be_set(self, schema: object) -> bool:
        """Never: a title would only repeat the name."""
        del schema
        return False


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event's data."""
    made = TypeAdapter(event).json_schema(schema_generator=_Generator, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{SCHEMAS}{event.type()}.json",
        "title": event.type(),
        "description": " ".join((event.__doc__ or "").split()),
        "type": "object",
        "properties": made["properties"],
        "required": list(event.members()),
        **({"$defs": made["$defs"]} if "$defs" in made else {}),
    }


def text_of(event: type[Event]) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema_of(event), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write every file; returns the exit status."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for event in EVENTS:
        path = FOLDER / f"{event.type()}.json"
        path.write_text(text_of(event), encoding="utf-8")
        print(path.relative_to(FOLDER.parents[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
