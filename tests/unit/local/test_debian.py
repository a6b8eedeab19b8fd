import subprocess
from pathlib import Path
from typing import Any

import pytest

from local import debian


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "PACKAGES", {"no-such-program": "no-such-package"})
    monkeypatch.setattr(debian, "_may_install", lambda: False)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(("ci", "status"), [("", 0), ("false", 0), ("true", 1), ("1", 1)])
def test_what_is_missing_is_said_and_fails_continuous_integration(
    ci: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", ci)
    assert debian.main() == status
    assert "apt-get install no-such-package" in capsys.readouterr().err


def test_what_is_there_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "PACKAGES", {"sh": "dash"})
    monkeypatch.setattr(debian, "_install", lambda _: pytest.fail("installed"))
    assert debian.main() == 0


def test_root_on_debian_installs_what_is_missing_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "wanted-program"
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> None:
        calls.append(command)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(debian, "PACKAGES", {"sh": "dash", "wanted-program": "wanted"})
    monkeypatch.setattr(debian, "_may_install", lambda: True)
    monkeypatch.setattr(debian, "Path", lambda _: tmp_path / "policy-rc.d")
    monkeypatch.setattr(subprocess, "run", run)
    assert debian.main() == 0
    assert calls[-1][-1] == "wanted"
    assert "dash" not in calls[-1]
    assert not (tmp_path / "policy-rc.d").exists()
