"""Prometheus' rules name what exists, each alert is tested, and each has its runbook section."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from local.layout import ROOT
from tests.contract.test_docs import slug
from tests.support.promql import RULES, UnknownNameError, Vocabulary, rules
from tests.support.tools import need

RUNBOOK = ROOT / "observability" / "runbook.md"
ALERT_TESTS = sorted((ROOT / "observability" / "prometheus" / "tests").glob("*.yaml"))
ALERTS = [rule for rule in rules() if "alert" in rule]
EVERY_ALERT = pytest.mark.parametrize("alert", ALERTS, ids=lambda each: each["alert"])


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.of_the_shop()


@pytest.fixture(scope="module")
def alert_tests() -> list[dict[str, Any]]:
    return [test for path in ALERT_TESTS for test in yaml.safe_load(path.read_text())["tests"]]


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The runbook's sections of alerts, by their names."""
    parts = re.split(r"^## (.+)$", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_recording_rules_name_metrics_and_labels_that_exist() -> None:
    assert Vocabulary.of_the_shop().series.keys() >= {
        rule["record"] for rule in rules() if "record" in rule
    }


@EVERY_ALERT
def test_an_alert_names_metrics_and_labels_that_exist(
    alert: dict[str, Any], vocabulary: Vocabulary
) -> None:
    labels = vocabulary.labels(alert["expr"])
    text = "".join(alert["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("sum(rate(order_http_request_total[1m]))", "no metric"),
        ("sum by (pod) (rate(order_http_requests_total[1m]))", "no label pod"),
        ('rate(order_http_requests_total{code="500"}[1m])', "no label code"),
        ('rate(order_http_request_duration_seconds_bucket{le="0.2"}[1m])', "no edge"),
        ("histogram_quantile(0.9, sum by (route) (function:http_requests:rate1m))", "no label le"),
        ("sum by (route) (sum by (function) (order_http_requests_total))", "no label route"),
        ("order_stuck_orders / on(status) order_orders_total", "no label status"),
        ("sum by (status) (order_orders_total) / order_stuck_orders", "never meet"),
    ],
)
def test_a_name_that_does_not_exist_is_found(
    expression: str, reason: str, vocabulary: Vocabulary
) -> None:
    with pytest.raises(UnknownNameError, match=reason):
        vocabulary.labels(expression)


@EVERY_ALERT
def test_an_alert_says_how_urgent_it_is_what_is_the_matter_and_where_to_read_on(
    alert: dict[str, Any],
) -> None:
    name = alert["alert"]
    assert alert["labels"]["severity"] in {"page", "ticket", "info"}
    assert alert["annotations"].keys() == {"summary", "description", "dashboard", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"observability/runbook.md#{slug(name)}"


def test_the_runbook_has_a_section_for_each_alert_and_for_nothing_else(
    sections: dict[str, str],
) -> None:
    assert sorted(sections) == sorted(alert["alert"] for alert in ALERTS)


@EVERY_ALERT
def test_a_section_says_how_to_see_decide_and_mend(
    alert: dict[str, Any], sections: dict[str, str]
) -> None:
    words = re.findall(r"^\*\*(\w+)\.\*\*", sections[alert["alert"]], re.MULTILINE)
    assert words == ["Means", "See", "Decide", "Mend"]


@EVERY_ALERT
def test_an_alert_is_tested_firing_silent_and_without_the_pod_that_it_is_about(
    alert: dict[str, Any], alert_tests: list[dict[str, Any]]
) -> None:
    name = alert["alert"]
    cases: dict[str, list[Any]] = {"fires": [], "silent": [], "vanished": []}
    for test in alert_tests:
        if not test["name"].startswith(f"{name} "):
            continue
        kind = "fires" if " fires" in test["name"] else "silent"
        if "vanished" in test["name"]:
            kind = "vanished"
        checks = [c for c in test["alert_rule_test"] if c["alertname"] == name]
        cases[kind] += [bool(check["exp_alerts"]) for check in checks]
    assert any(cases["fires"])
    for kind in ("silent", "vanished"):
        assert cases[kind], kind
        assert not any(cases[kind]), kind


@pytest.mark.parametrize("path", ALERT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_as_their_tests_say(path: Any) -> None:
    result = subprocess.run(
        [need("promtool"), "test", "rules", str(path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_finds_no_fault_in_the_rules() -> None:
    result = subprocess.run(
        [need("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
