"""What is kept for how long fits together: readers remember for longer than events can come."""

import json
from typing import Any

import pytest
import yaml

from courier.pruning import INBOX_HOURS
from local.layout import ROOT
from relay.pruning import OUTBOX_HOURS
from shop.events import TOPICS

_HOUR = 3_600_000


def setting(name: str, default: int) -> int:
    """The hours that the manifests set, wherever they do, or the default."""
    found = {
        int(entry["value"])
        for folder in ("knative", "eventing")
        for path in (ROOT / folder).rglob("*.yaml")
        for entry in entries(list(yaml.safe_load_all(path.read_text())))
        if entry.get("name") == name and "value" in entry
    }
    return min(found, default=default)


def entries(node: Any) -> list[dict[str, Any]]:
    """Every mapping within a document; what a ConfigMap holds, as names with values."""
    if isinstance(node, list):
        return [entry for part in node for entry in entries(part)]
    if not isinstance(node, dict):
        return []
    held = [{"name": k, "value": v} for k, v in node.items() if k.endswith("_RETENTION")]
    return [node, *held, *(entry for part in node.values() for entry in entries(part))]


@pytest.fixture(scope="module")
def topics() -> dict[str, float]:
    """The hours that each topic with events keeps them."""
    text = yaml.safe_load((ROOT / "eventing" / "topics.yaml").read_text())["data"]["TOPICS"]
    document = json.loads(text)
    return {name: int(document[name]["config"]["retention.ms"]) / _HOUR for name in TOPICS.values()}


def test_the_inbox_remembers_for_twice_as_long_as_a_topic_can_offer_an_event_again(
    topics: dict[str, float],
) -> None:
    # An event may lie on its topic for as long as that keeps it, and be offered at its end.
    assert setting("INBOX_RETENTION", INBOX_HOURS) >= 2 * max(topics.values())


def test_the_outbox_keeps_what_the_topics_keep_so_that_either_can_be_held_against_the_other(
    topics: dict[str, float],
) -> None:
    assert setting("OUTBOX_RETENTION", OUTBOX_HOURS) >= max(topics.values())
