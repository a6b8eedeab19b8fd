"""Grafana beside the local platform."""

from pathlib import Path

import pytest
import yaml

from local.grafana import Grafana
from local.layout import ROOT, Layout


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH, and alone there, with Grafana and Prometheus as packages have them."""
    home = tmp_path / "grafana-home"
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "defaults.ini").touch()
    (home / "bin").mkdir()
    monkeypatch.setenv("PATH", str(home / "bin"))
    for name in ("grafana", "prometheus"):
        _program(home / "bin" / name)
    return home


def _program(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_it_serves_the_dashboards_on_what_prometheus_knows(programs: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path, 7000)

    spec = Grafana(layout).spec()

    assert spec.command == (
        str(programs / "bin" / "grafana"), "server", "--homepath", str(programs),
    )  # fmt: skip
    assert spec.port == 10_001
    given = spec.environment
    assert (given["GF_SECURITY_ADMIN_USER"], given["GF_SECURITY_ADMIN_PASSWORD"]) == (
        "admin",
        "admin",
    )
    assert given["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert given["PROMETHEUS_URL"] == "http://127.0.0.1:16090"
    assert given["DASHBOARDS"] == str(ROOT / "observability" / "dashboards")
    assert Path(given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).exists()


def test_what_is_provisioned_asks_only_for_variables_that_it_is_given(
    programs: Path,  # noqa: ARG001 - Grafana is to be found
    tmp_path: Path,
) -> None:
    spec = Grafana(Layout(tmp_path)).spec()
    provisioning = Path(spec.environment["GF_PATHS_PROVISIONING"])
    files = sorted(provisioning.rglob("*.yaml"))
    assert [path.parent.name for path in files] == ["dashboards", "datasources"]
    for path in files:
        document = yaml.safe_load(path.read_text())
        assert document["apiVersion"] == 1
        for word in path.read_text().split():
            if word.startswith("$"):
                assert word[1:] in spec.environment


def test_an_older_package_s_server_does_as_well(programs: Path, tmp_path: Path) -> None:
    (programs / "bin" / "grafana").rename(programs / "bin" / "grafana-server")
    command = Grafana(Layout(tmp_path)).spec().command
    assert command[:2] == (str(programs / "bin" / "grafana-server"), "--homepath")


def test_it_is_left_out_where_it_or_prometheus_is_not_installed(
    programs: Path, tmp_path: Path
) -> None:
    assert Grafana(Layout(tmp_path)).installed
    (programs / "bin" / "prometheus").unlink()
    assert not Grafana(Layout(tmp_path)).installed
    _program(programs / "bin" / "prometheus")
    (programs / "bin" / "grafana").unlink()
    assert not Grafana(Layout(tmp_path)).installed
