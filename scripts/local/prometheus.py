"""Prometheus beside the platform, where it is installed."""

import json
import shutil
from pathlib import Path
from typing import Any

from local.layout import HOST, Layout
from local.plan import Plan, Spec, base_environment

_RETENTION = "7d"
_INTERVAL = "10s"


class Prometheus:
    """Scrapes the gateway, each area with its loops, and the stand-in for Knative's sources."""

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
        configuration = self._folder / "prometheus.json"
        configuration.write_text(json.dumps(self._configuration(plan), indent=2) + "\n")
        command = (
            str(self._program),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--storage.tsdb.retention.time={_RETENTION}",
            f"--web.listen-address={HOST}:{self._layout.prometheus}",
            "--log.level=warn",
        )
        return Spec(
            "prometheus", "prometheus", command, base_environment(),
            port=self._layout.prometheus, ready="/-/ready", live="/-/healthy",
            cwd=Path(self._folder),
        )  # fmt: skip

    def _configuration(self, plan: Plan) -> dict[str, Any]:
        """Prometheus reads YAML, of which JSON is a part."""
        gateway = plan.address("gateway").removeprefix("http://")
        ports = {**self._layout.areas, "event-sources": self._layout.event_sources}
        targets = {"gateway": gateway} | {name: f"{HOST}:{port}" for name, port in ports.items()}
        return {
            "global": {"scrape_interval": _INTERVAL, "scrape_timeout": "5s"},
            "scrape_configs": [
                {"job_name": name, "static_configs": [{"targets": [target]}]}
                for name, target in targets.items()
            ],
        }
