"""The committed OpenAPI document is the functions' own, and the gateway can route by it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from shop.declaration import Operation
from shop.gateway.routes import DOCUMENT, Routes
from shop.openapi import FUNCTIONS

# A process of its own: what other tests declare would be in the document of this one.
_GENERATE = """
import json
from shop.openapi import document, load_functions
print(json.dumps(document(load_functions()), indent=2, ensure_ascii=False))
"""
# Of JSON Schema and OpenAPI 3.1, what the document uses. A constraint under any other name
# would be ignored by every reader.
_KEYWORDS = frozenset(
    (
        "$ref", "additionalProperties", "anyOf", "const", "default", "description", "enum",
        "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems",
        "maxLength", "maximum", "minItems", "minLength", "minimum", "multipleOf", "oneOf",
        "pattern", "properties", "required", "title", "type",
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return loaded


def described(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method in capitals, operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def schemas(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema and all schemas in it, each with its place."""
    yield place, node
    for name, member in node.get("properties", {}).items():
        yield from schemas(member, f"{place}.{name}")
    for word in ("anyOf", "oneOf"):
        for each in node.get(word, ()):
            yield from schemas(each, place)
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            yield from schemas(node[word], f"{place}[]")


def test_the_committed_document_is_current() -> None:
    environment = {**os.environ, "PYTHONPATH": str(FUNCTIONS)}
    generated = subprocess.run(
        [sys.executable, "-c", _GENERATE], env=environment, check=True, capture_output=True
    )
    assert DOCUMENT.read_bytes() == generated.stdout, "write it anew with scripts/task openapi"


def test_every_public_path_leads_to_the_function_that_answers_it(
    document: dict[str, Any], operations: dict[str, Operation]
) -> None:
    routes = Routes.load()
    for path, method, operation in described(document):
        function = operations[operation["operationId"]]
        real = path.replace("{id}", "42").replace("{uuid}", "6f2a8a5e-3d0b-4c7e-9a51-0c1d2e3f4a5b")
        if not operation.get("x-cluster-local"):
            target = routes.find(method, real)
            assert target.service == function.name.replace("_", "-")
            real = target.path
        parameters = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert list(function.admit(method, real)) == parameters
        assert re.findall(r"\{(\w+)\}", path) == parameters


def test_no_path_of_the_cluster_is_routed(document: dict[str, Any]) -> None:
    templates = [path for path, _, o in described(document) if o.get("x-cluster-local")]
    assert templates
    assert not any(path.startswith("/api/") for path in templates)


def test_schemas_say_their_constraints_in_words_of_json_schema(document: dict[str, Any]) -> None:
    found = [(name, node) for name, node in document["components"]["schemas"].items()]
    for path, method, operation in described(document):
        found += [(f"{method} {path} {p['name']}", p["schema"]) for p in operation["parameters"]]
    unknown = {
        f"{place}: {word}"
        for name, root in found
        for place, node in schemas(root, name)
        for word in node.keys() - _KEYWORDS
    }
    assert unknown == set()


def test_every_reference_names_a_schema_and_every_schema_is_used(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named == set(document["components"]["schemas"])
