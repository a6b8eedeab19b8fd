import json
from pathlib import Path

import pytest

from local import manifests
from local.layout import ROOT, Layout
from local.plan import Plan, Spec

_DATABASES = {
    area: f"postgresql://{area}@127.0.0.1/{area}"
    for area in ("inventory", "orders", "notifications", "identity")
}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    for name in ("LOG_LEVEL", "NOTIFY_URLS", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    return Plan(manifests.read(ROOT), Layout(tmp_path, 3000), _DATABASES)


def _named(specs: list[Spec], name: str) -> Spec:
    return next(spec for spec in specs if spec.name == name)


def test_addresses_of_the_cluster_become_addresses_of_this_machine(plan: Plan) -> None:
    create_order = _named(plan.functions(), "create_order")
    assert create_order.environment["RESERVE_STOCK_URL"] == plan.address("reserve_stock")
    relay = _named(plan.loops(), "orders-relay")
    assert relay.environment["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:11192"
    text = json.dumps([spec.environment for spec in (*plan.functions(), *plan.loops())])
    assert "svc.cluster.local" not in text


def test_the_gateway_is_told_where_each_function_is(plan: Plan) -> None:
    gateway = _named(plan.functions(), "gateway")
    upstreams = json.loads(gateway.environment["UPSTREAMS"])
    assert upstreams["list-products"] == plan.address("list_products")
    assert "UPSTREAM_URL" not in gateway.environment


def test_no_two_processes_share_a_port(plan: Plan) -> None:
    specs = [*plan.functions(), *plan.loops(), plan.event_sources(), plan.fronts()]
    ports = [spec.port for spec in specs]
    assert len(ports) == len(set(ports))


def test_only_what_has_a_secret_is_given_a_database(plan: Plan) -> None:
    functions = plan.functions()
    assert _named(functions, "create_order").environment["DATABASE_URL"] == _DATABASES["orders"]
    assert "DATABASE_URL" not in _named(functions, "gateway").environment


def test_keys_are_read_from_files_when_a_process_starts(plan: Plan, tmp_path: Path) -> None:
    for name in ("issue_token", "refresh_token", "list_keys"):
        environment = _named(plan.functions(), name).environment
        path = tmp_path / "keys" / "token-signing-keys" / "TOKEN_SIGNING_KEYS"
        assert environment["TOKEN_SIGNING_KEYS_FILE"] == str(path)
        assert "TOKEN_SIGNING_KEYS" not in environment
    assert "TOKEN_SIGNING_KEYS_FILE" not in _named(plan.functions(), "create_order").environment


def test_everything_binds_to_loopback_and_shows_its_metrics(plan: Plan) -> None:
    for spec in (*plan.functions(), *plan.loops()):
        assert spec.environment["HOST"] == "127.0.0.1"
        assert spec.environment["OTEL_METRICS_EXPORTER"] == "prometheus"


def test_what_a_first_order_needs_starts_first(plan: Plan) -> None:
    first = [spec.name for spec in plan.functions()][:3]
    assert first == ["gateway", "reserve_stock", "create_order"]


@pytest.mark.parametrize("switch", ["on", "off"])
def test_the_caller_says_whether_authentication_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setenv("AUTH", switch)
    plan = Plan(manifests.read(ROOT), Layout(tmp_path), _DATABASES)
    assert {spec.environment["AUTH"] for spec in (*plan.functions(), *plan.loops())} == {switch}


def test_the_callers_log_level_wins_over_the_manifests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    plan = Plan(manifests.read(ROOT), Layout(tmp_path), _DATABASES)
    assert _named(plan.functions(), "gateway").environment["LOG_LEVEL"] == "debug"
