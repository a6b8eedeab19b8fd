"""Taskfile.yml: every verb is there once, says what it does, and runs a module that exists."""

import re
from collections import Counter
from importlib.util import find_spec
from typing import Any

import pytest
import yaml

from local.layout import ROOT

# What a user of the shop on a cluster is promised, beside what the documents name.
_CLUSTER_VERBS = {
    "canary", "canary:promote", "canary:rollback", "cluster:create", "cluster:delete",
    "dashboards", "deploy", "events:emit", "image", "image:load", "load", "logs", "prove:knative",
    "smoke", "status", "test:knative", "undeploy", "url",
}  # fmt: skip
TEXT = (ROOT / "Taskfile.yml").read_text()
TASKS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["tasks"]


def names_of_tasks(text: str) -> list[str]:
    """The tasks' names as they are written: a mapping that is loaded keeps the last of two."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    members = next(value for key, value in root.value if key.value == "tasks")
    return [key.value for key, _ in members.value]


def twice(names: list[str]) -> list[str]:
    return [name for name, number in Counter(names).items() if number > 1]


def test_no_task_is_defined_twice() -> None:
    assert twice(names_of_tasks(TEXT)) == []


def test_a_task_that_is_defined_twice_is_found() -> None:
    text = "tasks:\n  up: {cmds: [a]}\n  down: {cmds: [b]}\n  up: {cmds: [c]}\n"
    assert twice(names_of_tasks(text)) == ["up"]


def test_every_verb_for_a_cluster_is_there() -> None:
    assert _CLUSTER_VERBS - TASKS.keys() == set()


@pytest.mark.parametrize("name", sorted(TASKS.keys() - {"default"}))
def test_a_verb_says_what_it_does_and_runs_what_exists(name: str) -> None:
    assert TASKS[name]["desc"]
    commands = [each if isinstance(each, str) else each["cmd"] for each in TASKS[name]["cmds"]]
    modules = re.findall(r"python -m ([a-z_.]+)", " ".join(commands))
    assert [module for module in modules if find_spec(module) is None] == []
