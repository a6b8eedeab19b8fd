"""Rules, dashboards, Grafana and Jaeger as a cluster would get them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import operator
from dashboards.__main__ import FOLDER
from local.layout import ROOT
from tests.support.kustomize import Object, render
from tests.support.promql import RULES, rules

OBSERVABILITY = ROOT / "observability"
COMPONENTS = ("grafana", "jaeger", "operator")
# What `kubectl apply` writes into an annotation, all annotations together.
_MOST_BYTES = 262_144


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An overlay with every component on top of that of Minikube."""
    made = tmp_path_factory.mktemp("overlay")
    document = {
        "namespace": "shop",
        "resources": [str(ROOT / "knative" / "overlays" / "minikube")],
        "components": [str(OBSERVABILITY / name) for name in COMPONENTS],
    }
    (made / "kustomization.yaml").write_text(json.dumps(document))
    return made


@cache
def rendered(folder: Path) -> tuple[Object, ...]:
    return tuple(render(folder))


def one(folder: Path, kind: str, name: str) -> Object:
    (found,) = (
        each
        for each in rendered(folder)
        if each["kind"] == kind and each["metadata"]["name"] == name
    )
    return found


def container(folder: Path, name: str) -> dict[str, Any]:
    (found,) = one(folder, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_prometheus_of_a_cluster_reads_every_rule(folder: Path) -> None:
    given = one(folder, "ConfigMap", "prometheus-rules")["data"]
    assert given == {path.name: path.read_text() for path in RULES}


def test_the_operator_gets_the_rules_that_are_tested(folder: Path) -> None:
    assert operator.FILE.read_text() == operator.text(), "run scripts/task dashboards:write"
    groups = one(folder, "PrometheusRule", "shop")["spec"]["groups"]
    names = {rule.get("alert") or rule["record"] for group in groups for rule in group["rules"]}
    assert names == {rule.get("alert") or rule["record"] for rule in rules()}


def test_the_operator_s_monitors_select_what_there_is(folder: Path) -> None:
    spec = one(folder, "ServiceMonitor", "collector")["spec"]
    service = one(folder, "Service", "collector")
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ports = {port["name"] for port in service["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in spec["endpoints"]} <= ports
    assert all(endpoint["honorLabels"] for endpoint in spec["endpoints"])


def test_grafana_is_given_every_dashboard(folder: Path) -> None:
    spec = one(folder, "Deployment", "grafana")["spec"]["template"]["spec"]
    (projected,) = (v["projected"] for v in spec["volumes"] if v["name"] == "dashboards")
    given: dict[str, str] = {}
    for source in projected["sources"]:
        given |= one(folder, "ConfigMap", source["configMap"]["name"])["data"]
    assert given == {path.name: path.read_text() for path in FOLDER.glob("*.json")}


def test_grafana_is_given_what_its_provisioning_asks_for(folder: Path) -> None:
    made = container(folder, "grafana")
    variables = {each["name"]: each["value"] for each in made["env"]}
    mounts = {mount["mountPath"] for mount in made["volumeMounts"]}
    provisioning = one(folder, "ConfigMap", "grafana-provisioning")["data"]
    assert set(provisioning) == {"dashboards.yaml", "datasources.yaml"}
    for text in provisioning.values():
        asked = {word[1:] for word in text.split() if word.startswith("$")}
        assert asked <= variables.keys()
    assert variables["DASHBOARDS"] in mounts
    home = variables["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (FOLDER / Path(home).name).exists()
    for kind in ("datasources", "dashboards"):
        assert f"{variables['GF_PATHS_PROVISIONING']}/{kind}" in mounts


def test_what_grafana_reads_from_is_there_and_lets_it_in(folder: Path) -> None:
    variables = {each["name"]: each["value"] for each in container(folder, "grafana")["env"]}
    for variable, name in (("PROMETHEUS_URL", "prometheus"), ("JAEGER_URL", "jaeger")):
        port = int(variables[variable].rpartition(":")[2])
        assert variables[variable] == f"http://{name}.shop.svc.cluster.local:{port}"
        assert port in {p["port"] for p in one(folder, "Service", name)["spec"]["ports"]}
        entrances = one(folder, "NetworkPolicy", name)["spec"]["ingress"]
        assert any(
            {"matchLabels": {"app.kubernetes.io/name": "grafana"}}
            in [each.get("podSelector") for each in entrance["from"]]
            and port in [each["port"] for each in entrance["ports"]]
            for entrance in entrances
        )


def test_functions_send_their_spans_to_jaeger(folder: Path) -> None:
    settings = one(folder, "ConfigMap", "shop")["data"]
    assert settings["OTEL_TRACES_EXPORTER"] == "otlp"
    address = settings["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    assert address == "http://jaeger.shop.svc.cluster.local:4318/v1/traces"
    assert 4318 in {port["port"] for port in one(folder, "Service", "jaeger")["spec"]["ports"]}


@pytest.mark.parametrize("name", ["grafana", "jaeger"])
def test_a_pod_is_fit_for_a_restricted_namespace(name: str, folder: Path) -> None:
    spec = one(folder, "Deployment", name)["spec"]["template"]["spec"]
    made = container(folder, name)
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert made["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= made["resources"].keys()
    assert {"readinessProbe", "livenessProbe"} <= made.keys()
    assert made["image"].rpartition(":")[2][0].isdigit()


def test_no_object_is_too_large_to_be_applied(folder: Path) -> None:
    for each in rendered(folder):
        size = len(json.dumps(each))
        assert size < _MOST_BYTES, (each["kind"], each["metadata"]["name"], size)


def test_the_operator_s_file_is_yaml_that_says_where_it_comes_from() -> None:
    text = operator.FILE.read_text()
    assert text.startswith("# Written by scripts/task dashboards:write")
    assert yaml.safe_load(text)["kind"] == "PrometheusRule"
