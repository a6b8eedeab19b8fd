"""A platform for tests: started on ports and data of its own, stopped when they are done."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from local.layout import ROOT, Layout, PlatformError
from local.plan import base_environment
from local.state import State

PORT_OFFSET = 1000
_READY_SECONDS = 150.0
_STOP_SECONDS = 60.0


@contextlib.contextmanager
def platform(
    data: Path = ROOT / ".local" / "test",
    offset: int = PORT_OFFSET,
    *,
    keep: bool = False,
    environment: dict[str, str] | None = None,
) -> Iterator[State]:
    """A platform that is ready; it begins empty, unless `keep` is set.

    Where SHOP_TEST_DATA names the data of a platform that runs already, it is used and left
    running.
    """
    running = os.environ.get("SHOP_TEST_DATA")
    if running:
        yield State.read(Layout(Path(running)))
        return
    if not keep:
        shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, exist_ok=True)
    log = data / "up.log"
    variables = base_environment() | {"SHOP_DATA": str(data), "SHOP_PORT_OFFSET": str(offset)}
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "local", "up"],
            env=variables | (environment or {}),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait(child, Layout(data, offset), log)
    finally:
        stop(child)


def stop(child: subprocess.Popen[bytes]) -> int:
    """Stop a platform as Ctrl-C does; returns its exit status."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    try:
        return child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _wait(child: subprocess.Popen[bytes], layout: Layout, log: Path) -> State:
    deadline = time.monotonic() + _READY_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(PlatformError):
            state = State.read(layout)
            if state.ready and state.pid == child.pid:
                return state
        time.sleep(0.1)
    last = "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])
    raise PlatformError(f"The platform for the tests did not come up; {log} ends with\n{last}")
