"""One name everywhere: function = file = manifest = test = operationId = service."""

import json
from typing import Any

import pytest
import yaml

from local.layout import ROOT
from local.manifests import Function, Manifests
from shop.declaration import Operation
from shop.gateway.routes import DOCUMENT
from shop.openapi import AREAS, FUNCTIONS

FILES = sorted(file for area in AREAS for file in (FUNCTIONS / area).glob("*.py"))
EVERY_FUNCTION = pytest.mark.parametrize("name", [file.stem for file in FILES])


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return loaded


def manifest(described: Manifests, name: str) -> Function:
    return next(each for each in described.functions if each.name == name)


def test_every_file_of_an_area_declares_the_function_of_its_name(
    operations: dict[str, Operation],
) -> None:
    assert {file.stem: file.parent.name for file in FILES} == {
        name: operation.area for name, operation in operations.items()
    }


def test_the_manifests_run_every_function_and_nothing_else(described: Manifests) -> None:
    assert sorted(each.name for each in described.functions) == sorted(f.stem for f in FILES)


@EVERY_FUNCTION
def test_a_manifest_bears_the_name_of_its_function(
    name: str, operations: dict[str, Operation], described: Manifests
) -> None:
    area = operations[name].area
    path = ROOT / "knative" / "base" / area / f"{name}.yaml"
    service = yaml.safe_load(path.read_text())
    assert service["metadata"]["name"] == name.replace("_", "-")
    found = manifest(described, name)
    assert found.area == area
    assert found.environment["FUNCTION_SOURCE"] == f"{area}/{name}.py"


@EVERY_FUNCTION
def test_only_the_gateway_can_be_reached_from_outside(name: str) -> None:
    (path,) = (ROOT / "knative" / "base").rglob(f"{name}.yaml")
    labels = yaml.safe_load(path.read_text())["metadata"]["labels"]
    visibility = labels.get("networking.knative.dev/visibility")
    assert visibility == (None if name == "gateway" else "cluster-local")


@EVERY_FUNCTION
def test_a_manifest_gives_a_function_its_database_and_the_addresses_that_it_calls(
    name: str, operations: dict[str, Operation], described: Manifests
) -> None:
    operation, found = operations[name], manifest(described, name)
    assert found.database == (operation.area if operation.uses_database else None)
    for key in operation.calls:
        service = key.removesuffix("_URL").lower().replace("_", "-")
        assert found.environment[key] == f"http://{service}.shop.svc.cluster.local"


def test_kustomize_knows_every_manifest() -> None:
    for folder in (ROOT / "knative" / "base", ROOT / "eventing"):
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
        written = {
            str(path.relative_to(folder))
            for path in folder.rglob("*.yaml")
            if path.name != "kustomization.yaml" and "kind:" in path.read_text()
        }
        assert written == set(kustomization["resources"])


@EVERY_FUNCTION
def test_every_function_has_a_test_file_of_its_name(name: str) -> None:
    assert list((ROOT / "tests" / "integration").rglob(f"test_{name}.py"))


def test_operation_ids_are_the_names_of_the_http_functions(
    operations: dict[str, Operation], document: dict[str, Any]
) -> None:
    documented = {
        operation["operationId"]: operation["tags"]
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert documented == {
        name: [operation.area]
        for name, operation in operations.items()
        if not operation.receives_events and name != "gateway"
    }


def test_the_gateway_knows_every_other_service(
    operations: dict[str, Operation], document: dict[str, Any]
) -> None:
    assert document["x-services"] == {
        name.replace("_", "-"): operation.area
        for name, operation in operations.items()
        if name != "gateway"
    }


def test_every_function_that_takes_events_is_the_sink_of_one_source(
    operations: dict[str, Operation], described: Manifests
) -> None:
    sinks = [source.sink for source in described.kafka_sources]
    sinks += [source.sink for source in described.ping_sources]
    assert sorted(sinks) == sorted(n for n, o in operations.items() if o.receives_events)
