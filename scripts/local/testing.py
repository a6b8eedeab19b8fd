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
_READY_SECONDS = 300.0
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
    with contextlib.closing(Run(data, offset, environment)) as run:
        yield run.ready()


class Run:
    """One start of a platform, whose process a test may stop or kill."""

    def __init__(self, data: Path, offset: int, environment: dict[str, str] | None = None) -> None:
        """Start it on what `data` holds; `environment` adds to what it is given."""
        data.mkdir(parents=True, exist_ok=True)
        self.layout = Layout(data, offset)
        self.log = data / "up.log"
        variables = base_environment() | {"SHOP_DATA": str(data), "SHOP_PORT_OFFSET": str(offset)}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local", "up"],
                env=variables | (environment or {}),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> State:
        """Wait until everything serves; PlatformError with the end of its log if it never does."""
        deadline = time.monotonic() + _READY_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(PlatformError):
                state = State.read(self.layout)
                if state.ready and state.pid == self.process.pid:
                    return state
            time.sleep(0.1)
        last = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-25:])
        raise PlatformError(
            f"The platform for the tests did not come up; {self.log} ends with\n{last}"
        )

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it, as Ctrl-C does unless another signal is named; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def close(self) -> None:
        """Stop it, if it still runs."""
        self.stop()
