"""Grafana beside the platform, where its program is installed: admin/admin, everything provisioned.

Its dashboards and data sources are those of observability/. It keeps nothing of its own that
would be missed: what is to last is written by code.
"""

import shutil
from pathlib import Path

from local.layout import HOST, ROOT, Layout
from local.plan import Spec, base_environment

_OBSERVABILITY = ROOT / "observability"


class Grafana:
    """Shows the dashboards of observability/dashboards on what Prometheus knows."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._folder = layout.data / "grafana"
        self._command = _command()

    @property
    def installed(self) -> bool:
        """Whether this machine has Grafana and Prometheus, without which it shows nothing."""
        return self._command is not None and shutil.which("prometheus") is not None

    def spec(self) -> Spec:
        """The process; writes its provisioning."""
        if self._command is None:
            raise RuntimeError("Grafana is not installed")
        for kind in ("datasources", "dashboards"):
            folder = self._folder / "provisioning" / kind
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_OBSERVABILITY / "grafana" / f"{kind}.yaml", folder / f"{kind}.yaml")
        overview = _OBSERVABILITY / "dashboards" / "overview.json"
        environment = base_environment() | {
            "GF_SERVER_HTTP_ADDR": HOST,
            "GF_SERVER_HTTP_PORT": str(self._layout.grafana),
            "GF_SECURITY_ADMIN_USER": "admin",
            "GF_SECURITY_ADMIN_PASSWORD": "admin",
            "GF_PATHS_DATA": str(self._folder / "data"),
            "GF_PATHS_LOGS": str(self._folder / "logs"),
            "GF_PATHS_PLUGINS": str(self._folder / "plugins"),
            "GF_PATHS_PROVISIONING": str(self._folder / "provisioning"),
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(overview),
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_LOG_MODE": "console",
            "GF_LOG_LEVEL": "warn",
            "DASHBOARDS": str(_OBSERVABILITY / "dashboards"),
            "PROMETHEUS_URL": f"http://{HOST}:{self._layout.prometheus}",
            # Traces of this machine are shown by scripts/task traces; a Jaeger may be started here.
            "JAEGER_URL": f"http://{HOST}:16686",
        }
        return Spec(
            "grafana", "grafana", self._command, environment,
            port=self._layout.grafana, ready="/api/health", live="/api/health", cwd=self._folder,
        )  # fmt: skip


def _command() -> tuple[str, ...] | None:
    """How Grafana is started: by its one program, or by the server of older packages."""
    program = shutil.which("grafana") or shutil.which("grafana-server")
    if program is None:
        return None
    command = (program, "server") if Path(program).name == "grafana" else (program,)
    return (*command, "--homepath", str(_home(Path(program))))


def _home(program: Path) -> Path:
    """Where Grafana's own files are: beside the program, or where packages put them."""
    for home in (program.resolve().parent.parent, Path("/usr/share/grafana")):
        if (home / "conf" / "defaults.ini").exists():
            return home
    return program.resolve().parent
