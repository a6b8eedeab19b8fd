"""eventing/asyncapi.yaml against the topics, the sources, the events and what the relay sends."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.layout import ROOT
from local.manifests import Manifests
from relay.outbox import Waiting
from relay.sending import event_message
from shop.events import DEAD_LETTERS, EVENTS, TOPICS
from tests.support import trust

EVENTING = ROOT / "eventing"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((EVENTING / "asyncapi.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def topics() -> dict[str, Any]:
    config = yaml.safe_load((EVENTING / "topics.yaml").read_text())
    loaded: dict[str, Any] = json.loads(config["data"]["TOPICS"])
    return loaded


def references(node: Any) -> list[str]:
    """Every $ref below the node."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def resolve(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_it_is_asyncapi_3(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert document["info"].keys() >= {"title", "version"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        if reference.startswith("#"):
            assert resolve(document, reference)
        else:
            assert (EVENTING / Path(reference)).is_file()


def test_the_channels_are_the_topics_with_their_settings(
    document: dict[str, Any], topics: dict[str, Any]
) -> None:
    assert document["channels"].keys() == topics.keys()
    for name, channel in document["channels"].items():
        binding = channel["bindings"]["kafka"]
        assert (channel["address"], binding["topic"]) == (name, name)
        assert binding["partitions"] == topics[name]["partitions"]
        configured = {k: str(v) for k, v in binding["topicConfiguration"].items()}
        assert configured == topics[name]["config"]


def test_each_event_is_a_message_of_its_topic_with_its_schema(document: dict[str, Any]) -> None:
    described = {
        (name, message)
        for name, channel in document["channels"].items()
        for message in channel["messages"]
        if name != DEAD_LETTERS
    }
    assert described == {(TOPICS[event.source()], event.name) for event in EVENTS}
    for event in EVENTS:
        message = document["components"]["messages"][event.name]
        assert message["name"] == event.type()
        assert message["payload"] == {"$ref": f"schemas/{event.type()}.json"}


def test_whoever_receives_is_a_source_of_the_manifests(
    document: dict[str, Any], described: Manifests
) -> None:
    receivers = {
        (
            operation["bindings"]["kafka"]["groupId"]["const"],
            operation["channel"]["$ref"].rpartition("/")[2],
        )
        for operation in document["operations"].values()
        if operation["action"] == "receive"
    }
    assert receivers == {
        (source.group, topic) for source in described.kafka_sources for topic in source.topics
    }


def test_the_headers_are_those_that_the_relay_sends(document: dict[str, Any]) -> None:
    waiting = Waiting(1, "id", "products", "1", EVENTS[0].type(), "time", None, "{}")
    signer = trust.signer("inventory-relay")
    made = event_message(waiting, EVENTS[0].source(), "00-trace-parent-00", signer)
    headers = document["components"]["messageTraits"]["cloudEvent"]["headers"]

    assert made.headers.keys() - {"content-type"} == headers["properties"].keys()
    assert set(headers["required"]) <= made.headers.keys()
    assert made.key == "1"


def test_the_broker_of_the_cluster_is_that_of_the_sources(document: dict[str, Any]) -> None:
    servers = {
        server
        for file in (EVENTING / "sources").glob("*.yaml")
        for server in yaml.safe_load(file.read_text())["spec"]["bootstrapServers"]
    }
    assert servers == {document["servers"]["cluster"]["host"]}
