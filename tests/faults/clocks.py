"""Clocks that jump: libfaketime in front of one process, told by a file how far off it is.

Only the time of day jumps, as where somebody sets it; what measures durations goes on evenly.
Loops and event sources are left out: with libfaketime 0.9.10 Python's time.sleep fails, which
sleeps until a moment of the monotonic clock.
"""

from pathlib import Path

_PLACES = ("usr/lib/*/faketime", "usr/lib/faketime", "usr/local/lib/faketime")


def library() -> Path | None:
    """The library of Debian's package libfaketime, where it is installed."""
    found = (p for place in _PLACES for p in Path("/").glob(f"{place}/libfaketimeMT.so.1"))
    return next(found, None)


class Clocks:
    """One clock for each of some processes."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._folder = folder
        folder.mkdir(mode=0o755)
        self._names = names
        for name in names:
            self.jump(name, 0.0)

    def jump(self, name: str, seconds: float) -> None:
        """Put the clock of a process that far before or behind the true time."""
        path = self._path(name)
        draft = path.with_suffix(".new")
        draft.write_text(f"{seconds:+g}\n")
        draft.chmod(0o644)
        draft.replace(path)

    def variables(self, preload: Path) -> dict[str, dict[str, str]]:
        """What each process is to be started with."""
        return {
            name: {
                "LD_PRELOAD": str(preload),
                "FAKETIME_TIMESTAMP_FILE": str(self._path(name)),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            for name in self._names
        }

    def _path(self, name: str) -> Path:
        return self._folder / name
