"""Servers under test: started on a core, awaited, measured and ended."""

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import on_core

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".local" / "bench"
_READY_SECONDS = 20.0
_STOP_SECONDS = 15.0


class BenchError(Exception):
    """Something broke, so that there is no figure; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    pid: int
    port: int

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"


@contextmanager
def serving(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    core: int | None,
    environment: Mapping[str, str],
    ready_path: str = "/health/ready",
) -> Iterator[Server]:
    """Run a server until the block ends; its output goes to .local/bench/logs.

    Raises:
        BenchError: it ended, or was not ready within 20 s.
    """
    logs = STATE / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("wb") as output, on_core(core):
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment, "PORT": str(port), "HOST": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(process, name, port, ready_path, log)
        yield Server(name, process.pid, port)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], patience: float = _STOP_SECONDS) -> None:
    """End a process: politely, then by force."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await(process: subprocess.Popen[bytes], name: str, port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise BenchError(f"{name} ended with {process.returncode}: {' '.join(last)} ({log})")
        with contextlib.suppress(OSError, http.client.HTTPException):
            if fetch(f"127.0.0.1:{port}", path, timeout=1)[0] == http.HTTPStatus.OK:
                return
        time.sleep(0.05)
    raise BenchError(f"{name} was not ready within {_READY_SECONDS:.0f} s ({log})")


def fetch(
    address: str, path: str, *, body: str | None = None, timeout: float = 10
) -> tuple[int, Mapping[str, str], bytes]:
    """Send one request (a POST where there is a JSON body): status, headers and body."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()
