"""observability/metrics.yaml lists what the code can measure: no more, and no less."""

from functools import partial
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from local.events import meters
from local.layout import ROOT
from shop.exporting import configure
from shop.instruments import BUCKETS, INSTRUMENTS, Instrument
from shop.settings import Settings
from shop.telemetry import Reading


@pytest.fixture(scope="module")
def listed() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((ROOT / "observability" / "metrics.yaml").read_text())
    return {entry["name"]: entry for entry in document["metrics"]}


def test_the_list_and_the_code_name_the_same_metrics(listed: dict[str, dict[str, Any]]) -> None:
    assert sorted(listed) == sorted(each.prometheus_name for each in INSTRUMENTS)


@pytest.mark.parametrize("declared", INSTRUMENTS, ids=lambda each: each.name)
def test_the_list_describes_a_metric_as_the_code_does(
    declared: Instrument, listed: dict[str, dict[str, Any]]
) -> None:
    assert listed[declared.prometheus_name] == {
        "name": declared.prometheus_name,
        "kind": declared.kind,
        "unit": declared.unit,
        "labels": list(declared.labels),
        "meaning": declared.meaning,
    }


@pytest.mark.parametrize("declared", INSTRUMENTS, ids=lambda each: each.name)
def test_the_collector_gives_a_metric_no_name_of_its_own(declared: Instrument) -> None:
    """It ends a name with what it takes for its unit: "_ratio" of 1, "_bytes" of By."""
    annotation = declared.unit.startswith("{") and declared.unit.endswith("}")
    seconds = declared.unit == "s" and declared.prometheus_name.endswith("_seconds")
    assert annotation or seconds


def test_the_list_tells_the_buckets_of_histograms() -> None:
    document = yaml.safe_load((ROOT / "observability" / "metrics.yaml").read_text())
    assert document["buckets"] == list(BUCKETS)


def test_prometheus_shows_every_metric_under_the_name_in_the_list(
    listed: dict[str, dict[str, Any]],
) -> None:
    settings = Settings({"OTEL_METRICS_EXPORTER": "prometheus"})
    telemetry = configure(settings, function="names", area="gateway")
    try:
        for each in INSTRUMENTS:
            labels = dict.fromkeys(each.labels, "x")
            if each.kind == "counter":
                telemetry.count(each.name, 1, **labels)
            elif each.kind == "histogram":
                telemetry.record(each.name, 1, **labels)
            else:
                telemetry.observe(each.name, partial(list[Reading], [(1, labels)]))
        families = text_string_to_metric_families(telemetry.exposition().decode())
        samples = {sample.name for family in families for sample in family.samples}
    finally:
        telemetry.shutdown()
    histograms = {name for name, entry in listed.items() if entry["kind"] == "histogram"}
    expected = set(listed) - histograms | {f"{name}_bucket" for name in histograms}
    assert expected <= samples


def test_the_list_tells_of_the_stand_in_for_kafkasource_what_it_shows() -> None:
    document = yaml.safe_load((ROOT / "observability" / "metrics.yaml").read_text())
    listed = {
        entry["name"]: (entry["kind"], entry["meaning"])
        for entry in document["others"]
        if "stand-in" in entry["shown_by"]
    }
    shown = {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            family.documentation,
        )
        for family in meters.REGISTRY.collect()
    }
    assert listed == shown
