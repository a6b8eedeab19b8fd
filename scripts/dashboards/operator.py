"""The rules as a PrometheusRule, for those who run the Prometheus operator."""

from pathlib import Path

import yaml

_OBSERVABILITY = Path(__file__).resolve().parents[2] / "observability"
FILE = _OBSERVABILITY / "operator" / "prometheus-rule.yaml"
_HEADING = (
    "# Written by scripts/task dashboards:write from observability/prometheus/rules: change them.\n"
)


def text() -> str:
    """The manifest."""
    groups = [
        group
        for path in sorted((_OBSERVABILITY / "prometheus" / "rules").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    ]
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "shop"},
        "spec": {"groups": groups},
    }
    return _HEADING + yaml.safe_dump(manifest, sort_keys=False, width=100, allow_unicode=True)
