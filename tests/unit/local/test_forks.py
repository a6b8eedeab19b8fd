import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from local.console import Console
from local.forks import Forkserver
from local.plan import Spec, base_environment
from local.process import Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")

_SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
_SUPERVISOR = """
import asyncio, os, sys
from pathlib import Path
from local.forks import Forkserver
from local.plan import Spec, base_environment

async def main():
    command = (sys.executable, "-m", "sample")
    spec = Spec("sleeper", "function", command, base_environment(), cwd=Path(sys.argv[1]))
    forked = await Forkserver().start(spec, os.open(os.devnull, os.O_WRONLY))
    print(forked.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def _spec(folder: Path, code: str, **environment: str) -> Spec:
    (folder / "sample.py").write_text(code)
    return Spec(
        "sleeper", "function", (sys.executable, "-m", "sample", "one", "two"),
        base_environment() | environment, stop_seconds=5.0, cwd=folder,
    )  # fmt: skip


@pytest.fixture
async def forkserver() -> AsyncIterator[Forkserver]:
    """A forkserver, ended after the test."""
    server = Forkserver()
    yield server
    await server.stop()


async def _run(forkserver: Forkserver, spec: Spec) -> tuple[str, int]:
    far, entrance = os.pipe()
    forked = await forkserver.start(spec, entrance)
    os.close(entrance)
    status = await forked.wait()
    with os.fdopen(far) as output:
        return output.read(), status


async def _until_up(folder: Path, times: int) -> None:
    log = folder / "sleeper.log"
    async with asyncio.timeout(20):
        while not log.exists() or log.read_text().count("up") < times:
            await asyncio.sleep(0.02)


def _until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.02)


async def test_a_module_runs_as_its_spec_says(forkserver: Forkserver, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "print(sys.argv[1:], os.getcwd(), os.environ['COLOUR'], 'HOME' in os.environ, __name__)\n"
        "print('words', file=sys.stderr)\n"
        "sys.exit(3)\n"
    )
    spec = _spec(tmp_path, code, COLOUR="red")
    spec.environment.pop("HOME", None)

    output, status = await _run(forkserver, spec)

    assert status == 3
    assert set(output.splitlines()) == {f"['one', 'two'] {tmp_path} red False __main__", "words"}


async def test_an_exception_ends_a_fork_as_it_ends_any_process(
    forkserver: Forkserver, tmp_path: Path
) -> None:
    output, status = await _run(forkserver, _spec(tmp_path, "raise ValueError('no')"))

    assert status == 1
    assert output.endswith("ValueError: no\n")


async def test_a_fork_is_told_by_its_name(forkserver: Forkserver, tmp_path: Path) -> None:
    process = Process(_spec(tmp_path, _SLEEPER), tmp_path, Console(), lambda: None, forkserver)
    process.start()
    await _until_up(tmp_path, 1)

    assert process.pid is not None
    words = " ".join(psutil.Process(process.pid).cmdline()).strip("\0 ")
    assert words == "python -m sample one two (sleeper)"
    await process.stop()


async def test_a_fork_that_is_killed_comes_back(forkserver: Forkserver, tmp_path: Path) -> None:
    process = Process(_spec(tmp_path, _SLEEPER), tmp_path, Console(), lambda: None, forkserver)
    process.start()
    await _until_up(tmp_path, 1)
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await _until_up(tmp_path, 2)

    assert process.pid not in (first, None)
    assert process.restarts == 1
    await process.stop()
    assert not psutil.pid_exists(first)


async def test_forks_end_with_their_forkserver_and_start_through_another(
    forkserver: Forkserver, tmp_path: Path
) -> None:
    process = Process(_spec(tmp_path, _SLEEPER), tmp_path, Console(), lambda: None, forkserver)
    process.start()
    await _until_up(tmp_path, 1)
    first = process.pid
    assert first is not None
    parent = psutil.Process(first).ppid()
    assert parent != os.getpid()
    os.kill(parent, signal.SIGKILL)
    await _until_up(tmp_path, 2)

    assert process.pid is not None
    assert psutil.Process(process.pid).ppid() not in (parent, os.getpid())
    assert not psutil.pid_exists(first)
    await process.stop()


def test_forks_end_with_their_supervisor(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(_SLEEPER)
    supervisor = subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    forkserver = psutil.Process(pid).ppid()
    supervisor.kill()
    supervisor.wait()
    supervisor.stdout.close()

    _until_gone(pid)
    _until_gone(forkserver)
