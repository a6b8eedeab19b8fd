"""What is measured beside the load: memory, files, connections, backlogs."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from local.state import State

_MEGABYTE = 1024 * 1024
_GONE = (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError)
_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_BACKLOGS = {
    "inventory": _UNPUBLISHED,
    "orders": _UNPUBLISHED,
    "notifications": "SELECT count(*) FROM notifications WHERE delivered_at IS NULL",
}
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'shop-%'"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Memory is in MB, by process.

    PostgreSQL's shared buffers are left out: they fill to what is configured, and no further. So
    are the files that its sessions hold open, each up to PostgreSQL's own bound; sessions count.
    """

    memory: Mapping[str, float]
    files: Mapping[str, int]
    connections: int
    backlog: int


class Host:
    """Whoever runs this machine beside others, and gives them some of its processors' time."""

    def __init__(self) -> None:
        self._before = self._now()

    def stolen(self) -> float:
        """The share of the processors' time, from 0 to 1, that others had since the last call."""
        (at, taken), before = self._now(), self._before
        self._before = at, taken
        return (taken - before[1]) / (at - before[0]) / (psutil.cpu_count() or 1)

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.monotonic(), getattr(psutil.cpu_times(), "steal", 0.0)


def look(state: State) -> Sample:
    """Measure every process of the platform, those below it included, and its databases."""
    memory: dict[str, float] = {}
    files: dict[str, int] = {}
    for name, known in state.processes.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(known["pid"])
            memory[name] = files[name] = 0
            for process in (parent, *parent.children(recursive=True)):
                # A session of PostgreSQL may end at any moment.
                with contextlib.suppress(*_GONE):
                    memory[name] += _own_share(process.pid) / _MEGABYTE
                    files[name] += process.num_fds() if name != "postgres" else 0
    with psycopg.connect(state.admin_database, autocommit=True) as connection:
        (connections,) = connection.execute(_CONNECTIONS).fetchone() or (0,)
    backlog = 0
    for area, statement in _BACKLOGS.items():
        with psycopg.connect(state.databases[area], autocommit=True) as connection:
            (number,) = connection.execute(statement).fetchone() or (0,)
            backlog += number
    return Sample(memory, files, connections, backlog)


def _own_share(pid: int) -> int:
    """The process's share of the memory that it uses, without shared memory, in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    found = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)
    }
    return (found.get("Pss", 0) - found.get("Pss_Shmem", 0)) * 1024
