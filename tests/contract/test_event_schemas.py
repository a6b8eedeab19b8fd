"""eventing/ against the dataclasses: what the events are is said once."""

import json
from typing import get_args

import pytest
import yaml

from local.layout import ROOT
from shop.api.notifications import Type
from shop.events import EVENTS, SOURCES, TOPICS, Event
from shop.schemas import FOLDER, schema_of, text_of

EVERY_EVENT = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)


@EVERY_EVENT
def test_a_schema_is_what_its_dataclass_says(event: type[Event]) -> None:
    file = FOLDER / f"{event.type()}.json"
    assert file.read_text("utf-8") == text_of(event), "run: python -m shop.schemas"


def test_there_is_no_schema_without_an_event() -> None:
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(e.type() for e in EVENTS)


@EVERY_EVENT
def test_every_member_is_described_and_required(event: type[Event]) -> None:
    schema = schema_of(event)
    assert schema["description"]
    assert list(schema["properties"]) == schema["required"] == list(event.members())


def test_the_types_of_notifications_are_those_of_the_events() -> None:
    assert get_args(Type) == tuple(event.name for event in EVENTS)


def test_knative_knows_every_type_with_its_source() -> None:
    declared = {}
    for file in (ROOT / "eventing" / "event-types").glob("*.yaml"):
        document = yaml.safe_load(file.read_text())
        values = {each["name"]: each.get("value") for each in document["spec"]["attributes"]}
        declared[values["type"]] = (values["source"], document["spec"]["reference"]["name"])
    assert declared == {event.type(): (event.source(), TOPICS[event.source()]) for event in EVENTS}


def test_every_source_has_a_topic() -> None:
    assert TOPICS.keys() == set(SOURCES.values())


@EVERY_EVENT
def test_a_schema_is_json_schema(event: type[Event]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(json.loads(text_of(event)))
