"""A process that is kept running as Kubernetes would keep it: restarts, probes, a clean end."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

from local import probe
from local.child import Child
from local.console import Console, Output
from local.forks import Forkserver
from local.plan import Spec

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 15.0
_STEADY_SECONDS = 20.0
_PROBE_SECONDS = 10.0
_PROBE_FAILURES = 3


class Process:
    """One supervised process."""

    def __init__(
        self,
        spec: Spec,
        logs: Path,
        console: Console,
        changed: Callable[[], None],
        forkserver: Forkserver | None = None,
    ) -> None:
        """`changed` is called whenever the process gets another pid."""
        self.spec = spec
        self.pid: int | None = None
        self.restarts = 0
        self.ready = asyncio.Event()
        self._logs = logs
        self._console = console
        self._changed = changed
        self._forkserver = forkserver
        self._stopping = asyncio.Event()
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run and to watch it."""
        self._task = asyncio.create_task(self._keep(), name=self.spec.name)

    async def stop(self) -> None:
        """Signal it to end, give it its time, then kill it."""
        self._stopping.set()
        if self._task is None:
            return
        self.signal(self.spec.stop_signal)
        try:
            async with asyncio.timeout(self.spec.stop_seconds):
                await asyncio.shield(self._task)
        except TimeoutError:
            late = f"did not end within {self.spec.stop_seconds:.0f} s and is killed"
            self._console.note(self.spec.name, late, "warning")
            self.signal(signal.SIGKILL)
            await self._task

    def kill(self) -> None:
        """End it at once, and for good."""
        self._stopping.set()
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._child is not None:
            self._child.signal(number)

    def told(self) -> dict[str, str | int | None]:
        """What the platform's state says of it."""
        return {
            "pid": self.pid,
            "port": self.spec.port,
            "kind": self.spec.kind,
            "area": self.spec.area,
            "restarts": self.restarts,
        }

    async def _keep(self) -> None:
        output = Output(self.spec.name, self._logs, self._console)
        pause = _FIRST_PAUSE
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                status = await self._run(output)
                if self._stopping.is_set():
                    return
                pause = _FIRST_PAUSE if time.monotonic() - began > _STEADY_SECONDS else pause
                again = f"{_ended(status)}; it starts again in {pause:.1f} s"
                self._console.note(self.spec.name, again, "warning")
                self.restarts += 1
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopping.wait()
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            output.close()

    async def _run(self, output: Output) -> int:
        child = await Child.start(self.spec, output, self._forkserver)
        self._child, self.pid = child, child.pid
        self._changed()
        probing = asyncio.create_task(self._probe())
        try:
            if self._stopping.is_set():
                self.signal(self.spec.stop_signal)
            return await child.wait()
        finally:
            probing.cancel()
            self.pid = None
            self.ready.clear()

    async def _probe(self) -> None:
        port, path = self.spec.port, self.spec.ready
        if port is None:
            self.ready.set()
            return
        while not await (probe.healthy(port, path) if path else probe.listening(port)):
            await asyncio.sleep(0.05)
        self.ready.set()
        if path is None:
            return
        failures = 0
        while failures < _PROBE_FAILURES:
            await asyncio.sleep(_PROBE_SECONDS)
            failures = 0 if await probe.healthy(port, self.spec.live) else failures + 1
        self._console.note(self.spec.name, "no longer answers and is killed", "error")
        self.signal(signal.SIGKILL)


def _ended(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
