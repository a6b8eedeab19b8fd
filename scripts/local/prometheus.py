"""Prometheus beside the platform, where it is installed."""

import json
import shutil
from pathlib import Path
from typing import Any

from local.layout import HOST, ROOT, Layout
from local.plan import Plan, Spec, base_environment

RULES = ROOT / "observability" / "prometheus" / "rules"

# The objectives look back over 30 days.
_RETENTION = "31d"
_MOST_DISK = "1GB"
_INTERVAL = "10s"


class Prometheus:
    """Scrapes every function and loop, and the stand-in for Knative's sources."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._folder = layout.data / "prometheus"
        self._program = shutil.which("prometheus")

    @property
    def installed(self) -> bool:
        """Whether this machine has Prometheus."""
        return self._program is not None

    def spec(self, plan: Plan) -> Spec:
        """The process; writes its configuration."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "prometheus.json"
        path.write_text(json.dumps(configuration(plan, interval=_INTERVAL), indent=2) + "\n")
        command = (
            str(self._program),
            f"--config.file={path}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--storage.tsdb.retention.time={_RETENTION}",
            f"--storage.tsdb.retention.size={_MOST_DISK}",
            f"--web.listen-address={HOST}:{self._layout.prometheus}",
            "--log.level=warn",
        )
        return Spec(
            "prometheus", "prometheus", command, base_environment(),
            port=self._layout.prometheus, ready="/-/ready", live="/-/healthy",
            cwd=Path(self._folder),
        )  # fmt: skip


def configuration(plan: Plan, *, interval: str) -> dict[str, Any]:
    """What Prometheus reads: YAML, of which JSON is a part.

    A job is an area; an instance is a process, under the name that it has everywhere.
    """
    jobs: dict[str, list[dict[str, Any]]] = {}
    for spec in (*plan.functions(), *plan.loops(), plan.event_sources()):
        job = jobs.setdefault(spec.area or spec.name, [])
        job.append({"targets": [f"{HOST}:{spec.port}"], "labels": {"instance": spec.name}})
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": "5s" if interval == _INTERVAL else interval,
            "evaluation_interval": interval,
        },
        "rule_files": [str(RULES / "*.yaml")],
        "scrape_configs": [
            {
                "job_name": job,
                "static_configs": targets,
                # The same on every series: they tell nothing.
                "metric_relabel_configs": [{"regex": "otel_scope_.+", "action": "labeldrop"}],
            }
            for job, targets in jobs.items()
        ],
    }
