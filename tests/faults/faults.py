"""What can be done to a platform's processes, and when they are back."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local import probe
from local.state import State
from tests.support.live import Live, until

_OURS = {"function", "loop", "front", "sources"}
_BACK_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Processes that are killed at once or, where `frozen` is set, stopped for so many seconds.

    `at` says after which share of the orders.
    """

    processes: tuple[str, ...]
    at: float = 0.25
    frozen: float = 0.0

    async def strike(self, running: Live) -> None:
        """Do it; what was killed has another process id when this returns."""
        pids = {name: _pid(running.state, name) for name in self.processes}
        if not self.frozen:
            for pid in pids.values():
                os.kill(pid, signal.SIGKILL)
            await until(
                lambda: _replaced(running, pids), f"{_listed(pids)} run again", _BACK_SECONDS
            )
            return
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(self.frozen)
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):  # A probe may have killed it meanwhile.
                os.kill(pid, signal.SIGCONT)


def _pid(state: State, name: str) -> int:
    pid = state.processes[name]["pid"]
    assert isinstance(pid, int), f"{name} does not run"
    return pid


async def _replaced(running: Live, pids: Mapping[str, int]) -> bool:
    now = running.state.processes
    return all(now[name]["pid"] not in (None, pid) for name, pid in pids.items())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


async def back(running: Live) -> None:
    """Wait until every process runs and serves."""

    async def serve() -> bool:
        processes = running.state.processes
        if any(process["pid"] is None for process in processes.values()):
            return False
        asked = (_serves(process["kind"], process["port"]) for process in processes.values())
        return all(await asyncio.gather(*asked))

    await until(serve, "every process serves", _BACK_SECONDS)


async def _serves(kind: str, port: int) -> bool:
    if kind in _OURS:
        return await probe.healthy(port, "/health/ready")
    return await probe.listening(port)
