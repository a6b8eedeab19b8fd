"""The Debian packages that tests want: `python -m local.debian` installs what is missing.

Only as root on Debian, or on what descends from it. Elsewhere it says what is missing, and so it
does in continuous integration, where a test that cannot run is a failure.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PACKAGES = {
    # A program that the package brings, and the package.
    "chromium": "chromium",
    "faketime": "faketime",
    "promtool": "prometheus",
    "redis-server": "redis-server",
}


def main() -> int:
    """Install what is missing; 1 where continuous integration has to do without."""
    wanted = missing()
    if wanted and _may_install():
        print(f"Installing {', '.join(wanted)} …", flush=True)
        _install(wanted)
        wanted = missing()
    if not wanted:
        return 0
    print(
        f"These packages are missing, and what needs them fails or is left out: {', '.join(wanted)}"
        f" (on Debian: apt-get install {' '.join(wanted)}).",
        file=sys.stderr,
    )
    return 1 if in_ci() else 0


def missing() -> list[str]:
    """The packages whose program is not there."""
    return [package for program, package in PACKAGES.items() if shutil.which(program) is None]


def in_ci(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is continuous integration, as its services say by the variable CI."""
    return environment.get("CI", "").lower() not in ("", "0", "false")


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(packages: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # The tests want the programs. A service that the package starts would take the shop's port.
    policy = Path("/usr/sbin/policy-rc.d")
    had_policy = policy.exists()
    if not had_policy:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for command in (
            ("apt-get", "update", "-qq"),
            ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages),
        ):
            # Another apt-get may be at work on this machine: it is waited for.
            options = ("-o", "DPkg::Lock::Timeout=120")
            subprocess.run([command[0], *options, *command[1:]], env=environment, check=False)
    finally:
        if not had_policy:
            policy.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
