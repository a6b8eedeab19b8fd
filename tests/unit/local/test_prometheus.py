"""Prometheus beside the local platform."""

import json
from pathlib import Path

import pytest

from local.layout import ROOT, Layout
from local.manifests import read
from local.plan import Plan
from local.prometheus import RULES, Prometheus


def plan_of(layout: Layout) -> Plan:
    manifests = read(ROOT)
    return Plan(manifests, layout, {area: f"postgresql://{area}" for area in manifests.areas})


def test_it_scrapes_every_function_and_loop_and_the_event_sources(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 7000)
    plan = plan_of(layout)

    spec = Prometheus(layout).spec(plan)

    configuration = json.loads((tmp_path / "prometheus" / "prometheus.json").read_text())
    targets = {
        (job["job_name"], each["labels"]["instance"]): each["targets"]
        for job in configuration["scrape_configs"]
        for each in job["static_configs"]
    }
    expected = {
        (each.area or each.name, each.name): [f"127.0.0.1:{each.port}"]
        for each in (*plan.functions(), *plan.loops(), plan.event_sources())
    }
    assert targets == expected
    assert targets["gateway", "gateway"] == ["127.0.0.1:15080"]
    assert targets["event-sources", "event-sources"] == ["127.0.0.1:15140"]
    assert spec.port == 16090
    assert "--web.listen-address=127.0.0.1:16090" in spec.command


def test_it_reads_the_rules_of_the_project(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    Prometheus(layout).spec(plan_of(layout))
    configuration = json.loads((tmp_path / "prometheus" / "prometheus.json").read_text())
    assert configuration["rule_files"] == [str(RULES / "*.yaml")]
    assert list(RULES.glob("*.yaml"))


def test_it_scrapes_and_evaluates_each_ten_seconds(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    Prometheus(layout).spec(plan_of(layout))
    configuration = json.loads((tmp_path / "prometheus" / "prometheus.json").read_text())
    assert configuration["global"]["scrape_interval"] == "10s"
    assert configuration["global"]["evaluation_interval"] == "10s"


def test_it_is_left_out_where_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert not Prometheus(Layout(tmp_path)).installed
