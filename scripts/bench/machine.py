"""The machine: which core runs what, and what a process has used of it."""

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_ROLE_POSITIONS = {"server": 0, "load": 1, "database": 2}


@dataclass(frozen=True, slots=True)
class Pinning:
    """The cores of the server under test, of the load generator and of PostgreSQL."""

    server: int
    load: int
    database: int

    def __str__(self) -> str:
        return (
            f"server on core {self.server}, load on core {self.load}, "
            f"PostgreSQL on core {self.database}"
        )


def choose_pinning() -> Pinning:
    """Give the server a core of its own; with two cores, load and PostgreSQL share the other."""
    cores = sorted(os.sched_getaffinity(0))
    last = len(cores) - 1
    return Pinning(**{role: cores[min(at, last)] for role, at in _ROLE_POSITIONS.items()})


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Let processes that are started in here inherit one core; None leaves all of them."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe() -> str:
    """Name processor, cores, memory and kernel, as a report needs them."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in (_PROC / "cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.0f} GB, Linux {platform.release()}"


def parents() -> dict[int, int]:
    """Map every process to its parent."""
    found: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = _stat(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(entry.name)] = int(fields[1])
    return found


def family(root: int) -> set[int]:
    """Return a process with all that descends from it."""
    known = parents()
    members = {root}
    while grown := {pid for pid, parent in known.items() if parent in members} - members:
        members |= grown
    return members


def cpu_seconds(root: int) -> float:
    """Processor time of a process and its descendants, ended children included."""
    total = 0.0
    for pid in family(root):
        try:
            fields = _stat(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        # utime and stime of the process, then those of the children it has waited for.
        total += sum(int(fields[at]) for at in (11, 12, 13, 14)) / _TICKS
    return total


def idle_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Share of all cores that did nothing between two readings of `idle_ticks`."""
    total = after[1] - before[1]
    return (after[0] - before[0]) / total if total else 1.0


def idle_ticks() -> tuple[int, int]:
    """Ticks that all cores were idle, and all ticks."""
    fields = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    ticks = [int(field) for field in fields]
    return ticks[3] + ticks[4], sum(ticks)


def python_processes(pids: Iterable[int]) -> list[int]:
    """Those of the processes whose program is a Python interpreter."""
    found = []
    for pid in pids:
        try:
            program = (_PROC / str(pid) / "exe").readlink().name
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if program.startswith("python"):
            found.append(pid)
    return found


def proportional_megabytes(pids: Iterable[int]) -> float:
    """Memory of processes in MB (10^6 bytes), pages they share counted once (PSS)."""
    kibibytes = 0
    for pid in pids:
        try:
            rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kibibytes += next(
            int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")
        )
    return kibibytes * 1024 / 1e6


def _stat(pid: int) -> list[str]:
    # What follows the program's name, which is in brackets and may hold blanks.
    return (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
