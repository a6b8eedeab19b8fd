"""What the overlays say once they are rendered: the rules of the product, without a cluster."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from local.layout import ROOT
from local.manifests import Manifests
from shop import keys
from shop.declaration import Operation
from tests.support.kustomize import Object, UnknownFieldError, render

OVERLAYS = sorted(path.name for path in (ROOT / "knative" / "overlays").iterdir() if path.is_dir())
EVERY_OVERLAY = pytest.mark.parametrize("overlay", OVERLAYS)
# Made by `python -m cluster.schemas` from what an API server with Knative publishes.
SCHEMAS = ROOT / "tests" / "contract" / "kubernetes.json"
_KSERVICE = "serving.knative.dev/v1"
_CUSTOMER_WAITS = {
    "gateway", "list-products", "get-product", "create-order", "reserve-stock", "get-order",
    "list-orders", "issue-token", "refresh-token", "list-keys",
}  # fmt: skip
# Beside the functions: each loop has its own session and one for its metrics, and the operator
# some for himself. PostgreSQL keeps three for superusers.
_SESSIONS_OF_LOOPS = 6
_SPARE_SESSIONS = 10
_MOST_SESSIONS = 250
# Longer than a pod that ends waits for its last request.
_DRAIN_SECONDS = 30


@cache
def rendered(overlay: str) -> tuple[Object, ...]:
    return tuple(render(ROOT / "knative" / "overlays" / overlay))


def of_kind(overlay: str, kind: str, group: str = "") -> list[Object]:
    return [
        each
        for each in rendered(overlay)
        if each["kind"] == kind and each["apiVersion"].startswith(group)
    ]


def functions(overlay: str) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in of_kind(overlay, "Service", "serving.")}


def pods(overlay: str) -> Iterator[tuple[str, Object]]:
    """Every pod's specification, with whose it is."""
    for each in rendered(overlay):
        template = each.get("spec", {}).get("template")
        if isinstance(template, dict):
            yield f"{each['kind']} {each['metadata']['name']}", template["spec"]


def annotations(service: Object) -> dict[str, str]:
    found: dict[str, str] = service["spec"]["template"]["metadata"]["annotations"]
    return found


def scale(service: Object, which: str) -> int:
    return int(annotations(service)[f"autoscaling.knative.dev/{which}-scale"])


def pool(service: Object) -> int:
    env = service["spec"]["template"]["spec"]["containers"][0]["env"]
    return next((int(e["value"]) for e in env if e["name"] == "DATABASE_POOL_SIZE"), 0)


def secrets_of(workload: Object) -> set[str]:
    """The Secrets that its containers read into their environment."""
    if "template" not in workload["spec"]:
        return set()
    return {
        source["secretRef"]["name"]
        for container in workload["spec"]["template"]["spec"]["containers"]
        for source in container.get("envFrom", [])
        if "secretRef" in source
    }


@EVERY_OVERLAY
def test_kubectl_renders_the_same(overlay: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: the project's own renderer stands in for it")
    folder = str(ROOT / "knative" / "overlays" / overlay)
    printed = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, check=True)

    def by_name(objects: list[Object]) -> dict[tuple[str, str, str], Object]:
        return {(o["apiVersion"], o["kind"], o["metadata"]["name"]): o for o in objects}

    theirs = [document for document in yaml.safe_load_all(printed.stdout) if document]
    assert by_name(list(rendered(overlay))) == by_name(theirs)


def test_the_renderer_refuses_what_it_does_not_know(tmp_path: Any) -> None:
    (tmp_path / "kustomization.yaml").write_text("namePrefix: my-\n")
    with pytest.raises(UnknownFieldError, match="namePrefix"):
        render(tmp_path)


@EVERY_OVERLAY
def test_every_object_is_one_that_the_api_server_takes(overlay: str) -> None:
    schemas = json.loads(SCHEMAS.read_text())
    wrong = []
    for each in rendered(overlay):
        kind = f"{each['apiVersion']} {each['kind']}"
        validator = jsonschema.Draft202012Validator(schemas[kind])
        wrong += [
            f"{kind} {each['metadata']['name']}: {error.json_path}: {error.message}"
            for error in validator.iter_errors(each)
        ]
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "template", "spec", "containerConcurency"), 50),
        (("spec", "template", "spec", "timeoutSeconds"), "sixty"),
        (("spec", "template", "spec", "containers"), {}),
    ],
)
def test_a_slip_in_a_manifest_is_found(path: tuple[str, ...], value: object) -> None:
    service = json.loads(json.dumps(functions("minikube")["gateway"]))
    parent = service
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = value
    schema = json.loads(SCHEMAS.read_text())[f"{_KSERVICE} Service"]
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(service))


@EVERY_OVERLAY
def test_no_function_and_no_loop_is_forgotten(
    overlay: str, operations: dict[str, Operation], described: Manifests
) -> None:
    assert {name.replace("-", "_") for name in functions(overlay)} >= set(operations)
    deployed = {each["metadata"]["name"] for each in of_kind(overlay, "Deployment")}
    assert deployed >= {each.name for each in described.loops}
    jobs = {each["metadata"]["name"] for each in of_kind(overlay, "Job")}
    assert jobs >= {each.name for each in described.jobs}


@EVERY_OVERLAY
def test_everything_is_in_the_shops_namespace(overlay: str) -> None:
    for each in rendered(overlay):
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "shop", each["metadata"]["name"]


@EVERY_OVERLAY
def test_only_gateway_and_storefront_can_be_reached_from_outside(overlay: str) -> None:
    label = "networking.knative.dev/visibility"
    public = {
        name
        for name, each in functions(overlay).items()
        if each["metadata"]["labels"].get(label) != "cluster-local"
    }
    assert public - {"storefront"} == {"gateway"}
    assert all(
        each["spec"].get("type", "ClusterIP") == "ClusterIP"
        for each in of_kind(overlay, "Service", "v1")
    )


@EVERY_OVERLAY
def test_every_pod_is_fit_for_a_restricted_namespace(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for whose, pod in pods(overlay):
        shared = pod.get("securityContext", {})
        assert pod["automountServiceAccountToken"] is False, whose
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), whose
        for volume in pod.get("volumes", []):
            assert volume.keys() <= {
                "name",
                "configMap",
                "secret",
                "emptyDir",
                "persistentVolumeClaim",
            }, whose
        for container in pod["containers"]:
            own = shared | container["securityContext"]
            assert own["runAsNonRoot"] is True, whose
            assert own["runAsUser"] > 0, whose
            assert own["allowPrivilegeEscalation"] is False, whose
            assert own["capabilities"] == {"drop": ["ALL"]}, whose
            assert own["seccompProfile"] == {"type": "RuntimeDefault"}, whose
            # Kafka's image writes its configuration when it starts.
            assert own.get("readOnlyRootFilesystem") is (None if "kafka" in whose else True), whose


@EVERY_OVERLAY
def test_every_container_says_what_it_needs_and_when_it_is_well(overlay: str) -> None:
    for whose, pod in pods(overlay):
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), whose
            assert "memory" in container["resources"]["limits"], whose
            if not whose.startswith("Job"):
                assert {"readinessProbe", "livenessProbe"} <= container.keys(), whose


@EVERY_OVERLAY
def test_every_image_has_a_version(overlay: str) -> None:
    for whose, pod in pods(overlay):
        for container in pod["containers"]:
            tag = container["image"].rpartition(":")[2]
            assert re.fullmatch(r"[\w.-]+", tag), whose
            assert tag != "latest", whose


@EVERY_OVERLAY
def test_functions_scale_within_what_the_database_bears(overlay: str) -> None:
    most = sum(scale(each, "max") * pool(each) for each in functions(overlay).values())
    assert most + _SESSIONS_OF_LOOPS + _SPARE_SESSIONS <= _MOST_SESSIONS
    for each in of_kind(overlay, "StatefulSet"):
        if each["metadata"]["name"] == "postgres":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            assert f"max_connections={_MOST_SESSIONS}" in container["args"]


@EVERY_OVERLAY
def test_where_a_customer_waits_a_pod_is_always_there(overlay: str) -> None:
    awake = {name for name, each in functions(overlay).items() if scale(each, "min") > 0}
    assert awake - {"storefront"} == _CUSTOMER_WAITS
    for each in functions(overlay).values():
        assert 0 <= scale(each, "min") <= scale(each, "max")
        assert "autoscaling.knative.dev/target" in annotations(each)


@EVERY_OVERLAY
def test_a_pod_that_ends_has_time_to_send_its_last_counts(overlay: str) -> None:
    for name, each in functions(overlay).items():
        # Knative makes it the pod's grace period.
        assert each["spec"]["template"]["spec"]["timeoutSeconds"] >= _DRAIN_SECONDS + 15, name


@EVERY_OVERLAY
def test_it_is_asked_who_calls(overlay: str) -> None:
    (settings,) = (m for m in of_kind(overlay, "ConfigMap") if m["metadata"]["name"] == "shop")
    assert settings["data"]["AUTH"] == "on"
    for name, each in functions(overlay).items():
        if name != "storefront":
            assert keys.TRUSTED in secrets_of(each), name


@EVERY_OVERLAY
def test_a_private_key_is_read_by_those_who_sign_with_it(overlay: str) -> None:
    readers: dict[str, set[str]] = {}
    for kind in ("Service", "Deployment", "Job"):
        for each in of_kind(overlay, kind):
            for secret in secrets_of(each):
                readers.setdefault(secret, set()).add(each["metadata"]["name"])
    found = {secret: names for secret, names in readers.items() if secret in keys.SECRETS}
    found.pop(keys.TRUSTED)
    assert found == {
        "token-signing-keys": {"issue-token", "refresh-token", "list-keys"},
        "gateway-signing-key": {"gateway"},
        "orders-signing-key": {"create-order", "cancel-order", "settle-orders"},
        "inventory-relay-signing-key": {"inventory-relay"},
        "orders-relay-signing-key": {"orders-relay"},
    }


@EVERY_OVERLAY
def test_every_secret_is_made_by_a_deployment_or_asked_for(overlay: str) -> None:
    for kind in ("Service", "Deployment", "Job"):
        for each in of_kind(overlay, kind):
            if each["metadata"].get("labels", {}).get("shophub.com/area"):
                for name in secrets_of(each):
                    assert name in keys.SECRETS or name.endswith("-database"), name


@EVERY_OVERLAY
def test_deadlines_nest(overlay: str) -> None:
    (settings,) = (m for m in of_kind(overlay, "ConfigMap") if m["metadata"]["name"] == "shop")
    call, gateway, stuck = (
        float(settings["data"][name])
        for name in ("CALL_DEADLINE_SECONDS", "GATEWAY_DEADLINE_SECONDS", "ORDER_STUCK_SECONDS")
    )
    requests = {
        each["spec"]["template"]["spec"]["timeoutSeconds"] for each in functions(overlay).values()
    }
    assert call < gateway < stuck <= min(requests)


@EVERY_OVERLAY
def test_a_deployment_ends_a_canary(overlay: str) -> None:
    for name, each in functions(overlay).items():
        assert each["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}], name


@EVERY_OVERLAY
def test_every_source_says_its_delivery_whole(overlay: str) -> None:
    sources = of_kind(overlay, "KafkaSource")
    (sink,) = of_kind(overlay, "KafkaSink")
    assert len(sources) == 3
    whole = {"retry", "backoffPolicy", "backoffDelay", "timeout"}
    for each in sources:
        delivery = each["spec"]["delivery"]
        assert whole <= delivery.keys()
        assert each["spec"]["initialOffset"] == "earliest"
        assert each["spec"]["consumerGroup"]
        # Knative waits twice as long each time; an outage of a minute makes no dead letters.
        delay = float(delivery["backoffDelay"].removeprefix("PT").removesuffix("S"))
        assert sum(delay * 2**number for number in range(1, delivery["retry"] + 1)) > 90
        if each["spec"]["topics"] == [sink["spec"]["topic"]]:
            assert "deadLetterSink" not in delivery
        else:
            assert delivery["deadLetterSink"]["ref"]["name"] == sink["metadata"]["name"]


@EVERY_OVERLAY
def test_whoever_names_the_brokers_names_the_same(overlay: str) -> None:
    (settings,) = (m for m in of_kind(overlay, "ConfigMap") if m["metadata"]["name"] == "shop")
    named = {settings["data"]["KAFKA_BOOTSTRAP_SERVERS"]}
    for kind in ("KafkaSource", "KafkaSink"):
        for each in of_kind(overlay, kind):
            named.update(each["spec"]["bootstrapServers"])
    assert len(named) == 1


@EVERY_OVERLAY
def test_every_name_that_is_referred_to_exists(overlay: str) -> None:
    names = {(each["kind"], each["metadata"]["name"]) for each in rendered(overlay)}
    missing = set()
    for whose, pod in pods(overlay):
        for volume in pod.get("volumes", []):
            reference = volume.get("configMap", {})
            if reference and not reference.get("optional"):
                missing |= {("ConfigMap", reference["name"], whose)}
        for container in pod["containers"]:
            for source in container.get("envFrom", []):
                if "configMapRef" in source:
                    missing |= {("ConfigMap", source["configMapRef"]["name"], whose)}
    for each in rendered(overlay):
        for sink in _references(each.get("spec", {})):
            missing |= {(sink["kind"], sink["name"], each["metadata"]["name"])}
    assert {entry for entry in missing if entry[:2] not in names} == set()


def _references(value: object) -> Iterator[Object]:
    """Every `ref` and `reference` below."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("ref", "reference") and isinstance(inner, dict) and "kind" in inner:
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


@EVERY_OVERLAY
def test_nobody_is_reached_but_by_a_policy(overlay: str) -> None:
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind(overlay, "NetworkPolicy")}
    closed = policies.pop("closed")
    assert closed["podSelector"] == {}
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in closed
    for name, policy in policies.items():
        for rule in policy.get("ingress", []):
            assert rule["from"], name
            assert rule["ports"], name


@EVERY_OVERLAY
def test_the_policies_let_callers_reach_whom_they_call(
    overlay: str, operations: dict[str, Operation]
) -> None:
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind(overlay, "NetworkPolicy")}
    (expression,) = policies["callers"]["podSelector"]["matchExpressions"]
    callers = {o.name for o in operations.values() if o.calls or o.uses_client}
    assert {name.replace("-", "_") for name in expression["values"]} >= callers
    areas = {o.area for o in operations.values() if o.uses_database}
    (expression,) = policies["databases"]["podSelector"]["matchExpressions"]
    assert set(expression["values"]) >= areas
    for kind in ("Deployment", "Job"):
        for each in of_kind(overlay, kind):
            command = each["spec"]["template"]["spec"]["containers"][0].get("command", [])
            if command[-1:] in (["relay.publish_outbox"], ["shop.create_topics"]):
                labels = each["spec"]["template"]["metadata"]["labels"]
                assert labels["shophub.com/kafka"] == "client"


def test_a_budget_stands_for_each_function_that_has_two_pods() -> None:
    budgets = {
        each["spec"]["selector"]["matchLabels"]["serving.knative.dev/service"]
        for each in of_kind("production", "PodDisruptionBudget")
    }
    assert budgets == {n for n, each in functions("production").items() if scale(each, "min") > 1}


def test_the_component_scales_by_cpu(tmp_path: Any) -> None:
    overlay = ROOT / "knative" / "overlays" / "minikube"
    component = ROOT / "knative" / "components" / "hpa"
    text = json.dumps({"resources": [str(overlay)], "components": [str(component)]})
    (tmp_path / "kustomization.yaml").write_text(text)
    changed = {
        each["metadata"]["name"]: annotations(each)
        for each in render(tmp_path)
        if each["apiVersion"] == _KSERVICE
        and annotations(each).get("autoscaling.knative.dev/class") == "hpa.autoscaling.knative.dev"
    }
    assert set(changed) == {"list-products", "get-product"}
    for found in changed.values():
        assert found["autoscaling.knative.dev/metric"] == "cpu"
        # This class cannot sleep.
        assert int(found["autoscaling.knative.dev/min-scale"]) >= 1
