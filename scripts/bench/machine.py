"""The machine: which core runs what, and what a process has used of it."""

import os
import platform
import resource
import time
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


@dataclass(frozen=True, slots=True)
class Usage:
    """What the whole machine had computed at a moment, and what of it was the measurement's."""

    at: float
    busy: float
    own: float


def usage(*roots: int) -> Usage:
    """Read the machine's usage; `roots` are the processes that belong to the measurement.

    So do this process and the children that it has waited for, such as load generators.
    """
    ticks = [int(field) for field in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, *_, steal = ticks
    mine = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(each.ru_utime + each.ru_stime for each in mine) + sum(map(cpu_seconds, roots))
    return Usage(time.monotonic(), (user + nice + system + steal) / _TICKS, own)


def foreign_cores(before: Usage, after: Usage) -> float:
    """Cores that others, neighbours of a virtual machine included, used between two readings."""
    busy, own = after.busy - before.busy, after.own - before.own
    return max(0.0, busy - own) / (after.at - before.at)


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
