"""What can be done to a platform's processes, and when they are back."""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass

from local import probe
from local.state import State
from tests.support.live import Live, until

_NOT_HTTP = {"postgres", "kafka"}
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
        """Do it."""
        state = running.state
        pids = [_pid(state, name) for name in self.processes]
        if not self.frozen:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            return
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(self.frozen)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # A probe may have killed it meanwhile.
                os.kill(pid, signal.SIGCONT)


def _pid(state: State, name: str) -> int:
    pid = state.processes[name]["pid"]
    assert isinstance(pid, int), f"{name} does not run"
    return pid


async def back(running: Live) -> None:
    """Wait until every process runs and serves."""

    async def serve() -> bool:
        processes = running.state.processes
        if any(process["pid"] is None for process in processes.values()):
            return False
        asked = (_serves(name, process["port"]) for name, process in processes.items())
        return all(await asyncio.gather(*asked))

    await until(serve, "every process serves", _BACK_SECONDS)


async def _serves(name: str, port: int) -> bool:
    if name in _NOT_HTTP:
        return await probe.listening(port)
    return await probe.healthy(port, "/health/ready")
