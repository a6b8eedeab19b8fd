"""The parts that need the whole shop: started once, as `scripts/task up` starts it."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench import latency, orders
from bench.machine import family, proportional_megabytes, python_processes
from bench.options import Options
from bench.processes import ROOT, STATE, BenchError, fetch
from bench.report import Goal, Result, Table, figure
from local.layout import Layout, PlatformError
from local.state import State

MOST_START_SECONDS = 20.0
MOST_MEGABYTES = 1_500.0
_GIVE_UP_SECONDS = 120.0
_STOP_SECONDS = 60.0
_FIRST_PRODUCT = {"name": "Laptop", "description": "The first", "price": 999.99, "stock": 50}


@dataclass(frozen=True, slots=True)
class Shop:
    """The running shop; `start_seconds` is the time to its first confirmed order."""

    pid: int
    state: State
    start_seconds: float

    def largest(self, count: int) -> dict[str, float]:
        """Memory in MB (PSS) of the processes that have the most."""
        used = {
            name: proportional_megabytes([process["pid"]])
            for name, process in self.state.processes.items()
            if process["pid"]
        }
        return dict(sorted(used.items(), key=lambda item: -item[1])[:count])

    def megabytes(self) -> tuple[float, int]:
        """Memory of all Python processes in MB (PSS), and how many they are."""
        processes = python_processes(family(self.pid))
        return proportional_megabytes(processes), len(processes)


def run(parts: Sequence[str], options: Options) -> Iterator[Result]:
    """Start the shop on empty data, then measure the parts on it, one after the other."""
    with running_shop(options) as shop:
        fresh, _ = shop.megabytes()
        if "orders" in parts:
            yield orders.run(shop.state, shop.pid, options)
        if "latency" in parts:
            yield latency.run(shop.state, options)
        if "start" in parts:
            yield _start(shop, fresh)


def _start(shop: Shop, fresh: float) -> Result:
    used, count = shop.megabytes()
    result = Result("start")
    rows = [
        ["scripts/task up to the first confirmed order", f"{figure(shop.start_seconds)} s"],
        ["Python processes", str(count)],
        ["their memory after the first order (PSS)", f"{figure(fresh)} MB"],
        ["their memory now (PSS)", f"{figure(used)} MB"],
        ["memory of all processes now (PSS)",
         f"{figure(proportional_megabytes(family(shop.pid)))} MB"],
    ]  # fmt: skip
    largest = shop.largest(5)
    note = "most: " + ", ".join(f"{name} {figure(size)} MB" for name, size in largest.items())
    result.tables.append(Table("start and memory", ["", ""], rows, note))
    result.goals = [
        Goal("first confirmed order after `task up`", shop.start_seconds, MOST_START_SECONDS,
             unit="s", at_least=False),
        Goal("memory of all Python processes", max(used, fresh), MOST_MEGABYTES,
             unit="MB", at_least=False),
    ]  # fmt: skip
    result.data = {
        "start_seconds": shop.start_seconds,
        "python_processes": count,
        "python_megabytes": {"fresh": fresh, "after_load": used},
        "largest_megabytes": largest,
    }
    return result


@contextmanager
def running_shop(options: Options) -> Iterator[Shop]:
    """Run `scripts/task up` on empty data and ports of its own until the block ends.

    Raises:
        BenchError: it ended, or confirmed no order within two minutes.
    """
    layout = Layout(STATE / "shop")
    layout = Layout(layout.data, options.port - layout.gateway)
    shutil.rmtree(layout.data, ignore_errors=True)
    log = STATE / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "SHOP_DATA": str(layout.data),
        "SHOP_PORT_OFFSET": str(layout.offset),
    }
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(ROOT / "scripts" / "task"), "up"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        gateway = f"127.0.0.1:{options.port}"
        product = _first(process, log, gateway, "/api/products", _FIRST_PRODUCT)
        order = {"product_id": product["id"], "quantity": 1}
        confirmed = _first(process, log, gateway, "/api/orders", order)
        taken = time.monotonic() - began
        if confirmed["status"] != "confirmed":
            raise BenchError(f"the first order is not confirmed: {confirmed}")
        yield Shop(process.pid, _ready(layout, log), taken)
    finally:
        _stop(process, layout)
        shutil.rmtree(layout.data, ignore_errors=True)


def _first(
    process: subprocess.Popen[bytes], log: Path, address: str, path: str, body: dict[str, Any]
) -> dict[str, Any]:
    """Repeat a POST until it is answered with 201; its answer."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            status, _, answer = fetch(address, path, body=json.dumps(body))
        except OSError:
            status = 0
        if status == HTTPStatus.CREATED:
            created: dict[str, Any] = json.loads(answer)
            return created
        time.sleep(0.05)
    raise BenchError(f"the shop answered no POST {path} with 201 ({log})")


def _ready(layout: Layout, log: Path) -> State:
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        state = _state(layout)
        if state is not None and state.ready:
            return state
        time.sleep(0.1)
    raise BenchError(f"the shop was not ready ({log})")


def _state(layout: Layout) -> State | None:
    try:
        return State.read(layout)
    except PlatformError:
        return None


def _stop(process: subprocess.Popen[bytes], layout: Layout) -> None:
    """Ask the supervisor to stop; by force only what is left of the process group."""
    state = _state(layout)
    if process.poll() is None:
        if state is not None:
            os.kill(state.pid, signal.SIGTERM)
        else:
            os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
