import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from local.console import Console
from local.layout import ROOT
from local.plan import Spec
from local.process import Process
from tests.support.postgres import free_port

_SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
_DEAF = f"import signal; signal.signal(15, signal.SIG_IGN); {_SLEEPER}"


def _process(tmp_path: Path, code: str, stop_seconds: float = 5.0) -> Process:
    spec = Spec(
        "sleeper", "function", (sys.executable, "-c", code), dict(os.environ),
        stop_seconds=stop_seconds,
    )  # fmt: skip
    return Process(spec, tmp_path, Console(), lambda: None)


async def _until_up(process: Process, tmp_path: Path, times: int = 1) -> int:
    log = tmp_path / "sleeper.log"
    async with asyncio.timeout(10):
        while not log.exists() or log.read_text().count("up") < times:
            await asyncio.sleep(0.02)
    assert process.pid is not None
    return process.pid


async def test_a_process_that_is_killed_comes_back_within_half_a_second(tmp_path: Path) -> None:
    process = _process(tmp_path, _SLEEPER)
    process.start()
    first = await _until_up(process, tmp_path)
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    async with asyncio.timeout(5):
        while process.pid in (first, None):
            await asyncio.sleep(0.01)
    assert time.monotonic() - killed < 0.5
    assert process.restarts == 1
    await process.stop()


async def test_stopping_ends_it_for_good(tmp_path: Path) -> None:
    process = _process(tmp_path, _SLEEPER)
    process.start()
    pid = await _until_up(process, tmp_path)
    await process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert process.restarts == 0


async def test_what_does_not_listen_is_killed_in_the_end(tmp_path: Path) -> None:
    process = _process(tmp_path, _DEAF, stop_seconds=0.3)
    process.start()
    pid = await _until_up(process, tmp_path)
    await process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_stopping_what_waits_for_its_next_start_does_not_start_it(tmp_path: Path) -> None:
    process = _process(tmp_path, "raise SystemExit(3)")
    process.start()
    async with asyncio.timeout(10):
        while process.restarts < 2:
            await asyncio.sleep(0.02)
    await process.stop()
    assert process.pid is None


_SERVER = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/up", {answers!r}) else 404)
        self.end_headers()

print("up", flush=True)
http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""


@pytest.mark.parametrize("answers", ["/alive", "/health/live"])
async def test_what_does_not_answer_where_it_says_that_it_lives_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str
) -> None:
    monkeypatch.setattr("local.process._PROBE_SECONDS", 0.05)
    port = free_port()
    spec = Spec(
        "sleeper", "prometheus", (sys.executable, "-c", _SERVER.format(answers=answers, port=port)),
        dict(os.environ), port=port, ready="/up", live="/alive",
    )  # fmt: skip
    process = Process(spec, tmp_path, Console(), lambda: None)
    process.start()
    async with asyncio.timeout(20):
        await process.ready.wait()
    await asyncio.sleep(1.0)
    killed = process.restarts > 0
    await process.stop()
    assert killed == (answers != "/alive")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells a child so on Linux only")
async def test_a_supervisor_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    code = f"""
import asyncio, os, sys
from pathlib import Path
from local.console import Console
from local.plan import Spec
from local.process import Process

async def main():
    spec = Spec("sleeper", "function", (sys.executable, "-c", {_SLEEPER!r}), dict(os.environ))
    process = Process(spec, Path({str(tmp_path)!r}), Console(), lambda: None)
    process.start()
    while process.pid is None:
        await asyncio.sleep(0.01)
    print(process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code,
        env=dict(os.environ) | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT / 'scripts'}"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert supervisor.stdout is not None
    pid = int(await supervisor.stdout.readline())
    supervisor.kill()
    await supervisor.wait()
    async with asyncio.timeout(5):
        while _lives(pid):
            await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
