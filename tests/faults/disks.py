"""A small file system for each server's data, which can be full: a tmpfs of its own."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

_MEGABYTE = 1024 * 1024


def possible() -> bool:
    """Whether this process may mount; only root may."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


class Disk:
    """A tmpfs at a folder, which keeps what is there already."""

    def __init__(self, folder: Path, megabytes: int = 1024) -> None:
        self._folder = folder
        self._size = megabytes * _MEGABYTE
        before = folder.with_name(f"{folder.name}.before")
        if folder.exists():
            folder.rename(before)
        folder.mkdir(parents=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self._size}", "shop-faults", str(folder))
        if before.exists():
            shutil.copystat(before, folder)
            _run("cp", "-a", f"{before}/.", str(folder))
            shutil.rmtree(before)

    def fill(self) -> None:
        """Leave no room: the file system becomes as small as what it holds."""
        for _ in range(20):
            found = os.statvfs(self._folder)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            with contextlib.suppress(subprocess.CalledProcessError):  # It has grown meanwhile.
                self._resize(used)
                return
        raise AssertionError(f"{self._folder} grows too fast to be filled")

    def clear(self) -> None:
        """Make room again."""
        self._resize(self._size)

    def _resize(self, size: int) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self._folder))

    def close(self) -> None:
        """Unmount it; what it held is gone."""
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("umount", "--lazy", str(self._folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
