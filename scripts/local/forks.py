"""The supervisor's side of the forkserver."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys

from local.child import die_with
from local.forkserver import MOST_BYTES
from local.plan import Spec, base_environment

_LOOK_SECONDS = 0.05
_END_SECONDS = 5.0
_MODULE = (sys.executable, "-m")
# Where modules are found.
_FOLDERS = "PYTHONPATH"


class Forked:
    """A process that the forkserver has started; used like one of asyncio's own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        """Its exit status, or the negative number of a signal; None while it runs."""
        return self.ended.result() if self.ended.done() else None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; ProcessLookupError where it is gone."""
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for its end."""
        return await asyncio.shield(self.ended)


class Forkserver:
    """Starts processes as forks, through a forkserver that is started when it is needed.

    Should it be killed, its forks end with it as they end with the supervisor, and the next
    process that starts brings another one.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._number = 0
        self._asked: dict[int, asyncio.Future[Forked]] = {}
        self._forked: dict[int, Forked] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    @staticmethod
    def can_start(spec: Spec) -> bool:
        """Whether the process is a Python module, on a system whose sockets keep packets whole.

        A library that is to be loaded ahead of the others comes too late for a fork, and so do
        other folders of modules: it looks where the forkserver does.
        """
        alike = spec.command[:2] == _MODULE and "LD_PRELOAD" not in spec.environment
        alike = alike and spec.environment.get(_FOLDERS) == base_environment()[_FOLDERS]
        return sys.platform == "linux" and alike and spec.user is None

    async def start(self, spec: Spec, output: int) -> Forked:
        """Start the process with its output going to the descriptor.

        Raises:
            OSError: it cannot be started.
        """
        for last in (False, True):
            try:
                return await self._fork(spec, output)
            except OSError:
                if last:
                    raise
        raise AssertionError("unreachable")

    async def _fork(self, spec: Spec, output: int) -> Forked:
        connected = self._socket or await self._launch()
        self._number += 1
        number = self._number
        packet = json.dumps(
            {
                "number": number,
                "name": spec.name,
                "arguments": spec.command[2:],
                "environment": spec.environment,
                "cwd": str(spec.cwd),
                "stop_signal": int(spec.stop_signal),
            }
        )
        told: asyncio.Future[Forked] = asyncio.get_running_loop().create_future()
        self._asked[number] = told
        try:
            socket.send_fds(connected, [packet.encode()], [output])
            return await told
        finally:
            del self._asked[number]

    async def stop(self) -> None:
        """End the forkserver; its forks are to have ended."""
        if self._process is None:
            return
        process = self._process
        self._close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _launch(self) -> socket.socket:
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        near.settimeout(0)
        self._socket = near  # From here on others ask it too; their packets wait for it.
        try:
            self._process = await asyncio.create_subprocess_exec(
                *_MODULE, "local.forkserver", str(far.fileno()),
                env=base_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                start_new_session=True,
                preexec_fn=die_with(os.getpid(), signal.SIGTERM),
            )  # fmt: skip
        except OSError:
            self._socket = None
            near.close()
            raise
        finally:
            far.close()
        asyncio.get_running_loop().add_reader(near, self._read, near)
        return near

    def _read(self, connected: socket.socket) -> None:
        try:
            packet = connected.recv(MOST_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            packet = b""
        if not packet:
            self._close()
            return
        told: dict[str, int] = json.loads(packet)
        if "status" in told:
            self._forked.pop(told["pid"]).ended.set_result(told["status"])
            return
        forked = self._forked[told["pid"]] = Forked(told["pid"])
        asked = self._asked.get(told["number"])
        if asked is None or asked.done():  # Whoever asked for it waits no longer.
            forked.send_signal(signal.SIGKILL)
        else:
            asked.set_result(forked)

    def _close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(OSError("the forkserver has ended"))
        for forked in self._forked.values():
            task = asyncio.create_task(_until_gone(forked))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        self._forked.clear()


async def _until_gone(forked: Forked) -> None:
    """Its parent is gone, and nobody tells how it ends."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(forked.pid, 0)
            await asyncio.sleep(_LOOK_SECONDS)
    forked.ended.set_result(-int(signal.SIGTERM))
