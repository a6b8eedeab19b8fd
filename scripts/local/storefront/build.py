"""Builds the storefront where its sources have changed: `python -m local.storefront.build`."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from local.layout import HOST, ROOT, Layout, PlatformError
from local.storefront import node
from local.storefront.node import Node

FRONTEND = ROOT / "frontend"
# What no build reads.
_APART = {"node_modules", "dist", "dist.new", "dist.old", "e2e"}
_STAMP = ".built-from"


def main(arguments: Sequence[str]) -> int:
    """Build, or run npm with what is given; 1 where that fails."""
    try:
        if arguments:
            found = node.find()
            install(found)
            return _npm(found, *arguments)
        build()
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def is_current() -> bool:
    """Whether the build is that of the sources as they are."""
    return _read(FRONTEND / "dist" / _STAMP) == digest(_sources())


def build() -> None:
    """Bring `frontend/dist` up to date; the old build serves until the new one is whole.

    Raises:
        PlatformError: packages cannot be installed, or the sources do not compile.
    """
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "storefront.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current():
            return
        stamp = digest(_sources())
        found = node.find()
        install(found)
        new, old, dist = (FRONTEND / name for name in ("dist.new", "dist.old", "dist"))
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        if _npm(found, "run", "--silent", "build", "--", "--outDir", new.name, "--emptyOutDir"):
            raise PlatformError("The storefront could not be built; the lines above say why.")
        (new / _STAMP).write_text(stamp)
        if dist.exists():
            dist.rename(old)
        new.rename(dist)
        shutil.rmtree(old, ignore_errors=True)


def install(found: Node) -> None:
    """Install the locked packages, if these are not installed yet.

    Raises:
        PlatformError: the registry does not answer, or the lock does not fit.
    """
    lock, stamp = FRONTEND / "package-lock.json", FRONTEND / "node_modules" / _STAMP
    wanted = digest([lock])
    if _read(stamp) == wanted:
        return
    print("Installing the storefront's packages …", flush=True)
    if _npm(found, "ci", "--prefer-offline"):
        raise PlatformError(
            "The storefront's packages could not be installed; check the network, or the lines "
            "above."
        )
    stamp.write_text(wanted)


def digest(files: Sequence[Path]) -> str:
    """One digest of the files' names and contents."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(FRONTEND)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _sources() -> list[Path]:
    return sorted(_files(FRONTEND))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name not in _APART:
            yield from _files(path)
        elif path.is_file() and not path.name.endswith((".md", ".test.ts", ".test.tsx")):
            yield path


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _npm(found: Node, *arguments: str) -> int:
    command = [*found.npm, *arguments]
    environment = _addresses() | found.environment()
    return subprocess.run(
        command, cwd=FRONTEND, env=environment, stdin=subprocess.DEVNULL, check=False
    ).returncode


def _addresses() -> dict[str, str]:
    """Where the shop of this machine is, unless the caller names another one."""
    layout = Layout.from_environment()
    return {
        "GATEWAY_URL": f"http://{HOST}:{layout.gateway}",
        "STOREFRONT_URL": f"http://localhost:{layout.storefront}",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
