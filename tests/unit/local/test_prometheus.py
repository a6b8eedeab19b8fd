"""Prometheus beside the local platform."""

import json
from pathlib import Path

import pytest

from local.layout import ROOT, Layout
from local.manifests import read
from local.plan import Plan
from local.prometheus import Prometheus


def plan_of(layout: Layout) -> Plan:
    manifests = read(ROOT)
    return Plan(manifests, layout, {area: f"postgresql://{area}" for area in manifests.areas})


def test_it_scrapes_the_gateway_each_area_and_the_event_sources(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 7000)

    spec = Prometheus(layout).spec(plan_of(layout))

    configuration = json.loads((tmp_path / "prometheus" / "prometheus.json").read_text())
    targets = {
        job["job_name"]: job["static_configs"][0]["targets"]
        for job in configuration["scrape_configs"]
    }
    assert targets == {
        "gateway": ["127.0.0.1:15080"],
        "inventory": ["127.0.0.1:15081"],
        "orders": ["127.0.0.1:15082"],
        "notifications": ["127.0.0.1:15083"],
        "event-sources": ["127.0.0.1:15140"],
    }
    assert spec.port == 16090
    assert "--web.listen-address=127.0.0.1:16090" in spec.command


def test_it_is_left_out_where_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert not Prometheus(Layout(tmp_path)).installed
