"""What is measured beside the load: memory, files, connections, backlogs."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from local.state import State

_MEGABYTE = 1024 * 1024
_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_BACKLOGS = {
    "inventory": _UNPUBLISHED,
    "orders": _UNPUBLISHED,
    "notifications": "SELECT count(*) FROM notifications WHERE delivered_at IS NULL",
}
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'shop-%'"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Memory is in MB, by process."""

    memory: Mapping[str, float]
    files: Mapping[str, int]
    connections: int
    backlog: int


def look(state: State) -> Sample:
    """Measure every process of the platform, those below it included, and its databases."""
    memory: dict[str, float] = {}
    files: dict[str, int] = {}
    for name, known in state.processes.items():
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            parent = psutil.Process(known["pid"])
            family = [parent, *parent.children(recursive=True)]
            memory[name] = sum(_pss(process.pid) for process in family) / _MEGABYTE
            files[name] = sum(process.num_fds() for process in family)
    with psycopg.connect(state.admin_database, autocommit=True) as connection:
        (connections,) = connection.execute(_CONNECTIONS).fetchone() or (0,)
    backlog = 0
    for area, statement in _BACKLOGS.items():
        with psycopg.connect(state.databases[area], autocommit=True) as connection:
            (number,) = connection.execute(statement).fetchone() or (0,)
            backlog += number
    return Sample(memory, files, connections, backlog)


def _pss(pid: int) -> int:
    """The process's share of the memory that it uses, in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
