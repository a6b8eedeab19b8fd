"""Loops as processes of their own."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.layout import HOST, ROOT
from local.plan import base_environment
from tests.support.postgres import free_port


@dataclass(slots=True)
class Process:
    """A running module."""

    child: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_for(self, path: str, text: str, within: float = 30.0) -> str:
        """The page, once it holds the text."""
        deadline = time.monotonic() + within
        while True:
            assert self.child.poll() is None, self.log.read_text()
            try:
                status, body = self.get(path)
            except urllib.error.URLError:
                status, body = 0, ""
            if status == 200 and text in body:
                return body
            assert time.monotonic() < deadline, f"{text} is not at {path}: {self.log.read_text()}"
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; the exit status."""
        self.child.send_signal(number)
        return self.child.wait(15)


@contextmanager
def running(module: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Process]:
    """`python -m module`, until the end of the block."""
    port = free_port()
    log = folder / f"{module}.log"
    variables = base_environment() | {
        "PYTHONPATH": str(ROOT / "functions"),
        "PORT": str(port),
        "HOST": HOST,
    }
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", module],
            env={**variables, **environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Process(child, port, log)
    finally:
        child.kill()
        child.wait()
