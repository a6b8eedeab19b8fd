import json
from pathlib import Path

import pytest

from local import manifests
from local.detours import VARIABLE, Detours
from local.layout import ROOT, Layout
from local.plan import Plan, Spec

_DATABASES = {
    area: f"postgresql://{area}:secret@/{area}?host=/run/shop&port=8154"
    for area in ("inventory", "orders", "notifications", "identity")
}
_LINKS = {
    "create_order>reserve_stock": 30301,
    "create_order>postgres": 30302,
    "orders-relay>kafka": 30303,
    "gateway>get_order": 30304,
}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    path = tmp_path / "detours.json"
    path.write_text(json.dumps({"links": _LINKS, "variables": {"courier": {"FAKETIME": "+60"}}}))
    monkeypatch.setenv(VARIABLE, str(path))
    return Plan(manifests.read(ROOT), Layout(tmp_path, 3000), _DATABASES)


def _named(specs: list[Spec], name: str) -> dict[str, str]:
    return next(spec.environment for spec in specs if spec.name == name)


def test_a_client_is_led_to_the_detour_of_its_link(plan: Plan) -> None:
    create_order = _named(plan.functions(), "create_order")
    assert create_order["RESERVE_STOCK_URL"] == "http://127.0.0.1:30301"
    assert create_order["DATABASE_URL"] == "postgresql://orders:secret@127.0.0.1:30302/orders"
    upstreams = json.loads(_named(plan.functions(), "gateway")["UPSTREAMS"])
    assert upstreams["get-order"] == "http://127.0.0.1:30304"
    relay = _named(plan.loops(), "orders-relay")
    assert relay["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:30303"


def test_others_take_the_straight_way(plan: Plan) -> None:
    cancel_order = _named(plan.functions(), "cancel_order")
    assert cancel_order["RELEASE_STOCK_URL"] == plan.address("release_stock")
    assert cancel_order["DATABASE_URL"] == _DATABASES["orders"]
    relay = _named(plan.loops(), "inventory-relay")
    assert relay["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:11192"


def test_one_process_is_given_variables_of_its_own(plan: Plan) -> None:
    loops = plan.loops()
    assert _named(loops, "courier")["FAKETIME"] == "+60"
    assert "FAKETIME" not in _named(loops, "orders-relay")
    assert plan.event_sources().environment[VARIABLE].endswith("detours.json")


def test_without_the_variable_there_is_no_detour() -> None:
    assert Detours.from_environment({}) == Detours()
