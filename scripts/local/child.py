"""Starts a process of the platform and passes on what it prints."""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from local.console import Output
from local.layout import PlatformError
from local.plan import Spec

if TYPE_CHECKING:
    from local.forks import Forked, Forkserver

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
# Output is gathered for a moment and then read at once: a wake-up for each line of each process
# was a tenth of what an order costs. The pipe holds what comes meanwhile.
_GATHER_SECONDS = 0.05
_PIPE_BYTES = 256 * 1024
_READ_BYTES = 64 * 1024


class Child:
    """A process that runs, apart from the terminal's signals, and ends when its parent does."""

    def __init__(self, process: "asyncio.subprocess.Process | Forked", reader: "_Reader") -> None:
        self._process = process
        self._reader = reader

    @classmethod
    async def start(
        cls, spec: Spec, output: Output, forkserver: "Forkserver | None" = None
    ) -> Self:
        """Start the process, as a fork where it can be one; PlatformError if the system refuses."""
        reader = _Reader(output)
        try:
            if forkserver is not None and forkserver.can_start(spec):
                return cls(await forkserver.start(spec, reader.entrance), reader)
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                env=spec.environment,
                cwd=spec.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=reader.entrance,
                stderr=reader.entrance,
                start_new_session=True,
                user=spec.user,
                group=spec.user,
                extra_groups=[] if spec.user is not None else None,
                preexec_fn=die_with(os.getpid(), spec.stop_signal),
            )
        except OSError as error:
            reader.finish()
            raise PlatformError(f"{spec.name} cannot be started: {error}.") from None
        finally:
            os.close(reader.entrance)
        return cls(process, reader)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def wait(self) -> int:
        """Wait for its end; returns its exit status, or the negative number of a signal."""
        status = await self._process.wait()
        self._reader.finish()
        return status


async def output_of(process: asyncio.subprocess.Process) -> bytes:
    """What a short process prints, once it has ended; it is killed where nobody waits any more."""
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    return output


class _Reader:
    """The near end of a process's output. `entrance` is the far end's descriptor."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._loop = asyncio.get_running_loop()
        self._exit, self.entrance = os.pipe()
        os.set_blocking(self._exit, False)
        if sys.platform == "linux":
            # Refused where the user has many large pipes already; the default does as well.
            with contextlib.suppress(PermissionError):
                fcntl.fcntl(self._exit, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._later: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._exit, self._notice)

    def finish(self) -> None:
        """Read what is left, and close."""
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._exit)
        self._drain()
        os.close(self._exit)

    def _notice(self) -> None:
        self._loop.remove_reader(self._exit)
        self._later = self._loop.call_later(_GATHER_SECONDS, self._take)

    def _take(self) -> None:
        if self._drain():
            self._loop.add_reader(self._exit, self._notice)

    def _drain(self) -> bool:
        """Read all that is there; False at the end of the output."""
        while True:
            try:
                chunk = os.read(self._exit, _READ_BYTES)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._output.feed(chunk)
            if len(chunk) < _READ_BYTES:
                return True


def die_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    """What the child does before it becomes its program: it asks to end when its parent does.

    The kernel's word for it exists on Linux only; elsewhere a supervisor that is killed, rather
    than stopped, leaves its processes behind.
    """

    def prepare() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
            if os.getppid() != parent:
                os._exit(1)

    return prepare
