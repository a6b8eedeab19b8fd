"""The platform of this machine as a target: signals, links, disks, clocks, deliveries."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, cast
from uuid import uuid4

import aiohttp
import psutil
from kafka.errors import KafkaError

from local import manifests, probe
from local.detours import VARIABLE
from local.layout import ROOT, Layout, PlatformError
from local.postgres import Postgres
from local.testing import Run
from tests.faults import clocks, disks, poison, rebalancing, schedule
from tests.faults.clocks import Clocks
from tests.faults.deliveries import Crossings, Manner
from tests.faults.disks import Disk
from tests.faults.links import Fault as LinkFault
from tests.faults.links import Links, Thread
from tests.faults.schedule import Fault
from tests.support.live import Client, Live, until
from tests.support.tables import Inventory, Orders, Tables
from tests.support.topics import Topics

PORT_OFFSET = int(os.environ.get("SHOP_TEST_PORT_OFFSET", "22000"))
_FIRST_LINK = 8300
_FIRST_CROSSING = 8340
_OURS = {"function", "loop", "front", "sources"}
_BACK_SECONDS = 180.0
# A platform that was killed has its processes end by themselves, as after SIGTERM.
_END_SECONDS = 40.0
_CROSSINGS = ("event-sources>notify_order", "event-sources>notify_inventory")


class Processes:
    """A platform of its own, on data of its own, with faults built in."""

    def __init__(self, variables: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """`variables` are given to the processes that they name, besides their own."""
        self.data = Path(tempfile.mkdtemp(prefix="shop-faults-"))
        self.data.chmod(0o755)  # PostgreSQL's user is another one where root runs this.
        self.poison: list[str] = []
        self._layout = Layout(self.data, PORT_OFFSET)
        self._thread = Thread("links")
        ports = _ports(self._layout)
        self._links = Links(
            self._thread,
            _servers(self._layout),
            PORT_OFFSET + _FIRST_LINK,
        )
        self._crossings = Crossings(
            self._thread,
            {name: ports[name.partition(">")[2]] for name in _CROSSINGS},
            PORT_OFFSET + _FIRST_CROSSING,
        )
        library = clocks.library()
        self._clocks = Clocks(self.data / "clocks", schedule.CLOCKS) if library else None
        self._disks: dict[str, Disk] = {}
        clocked = self._clocks.variables(library) if self._clocks and library else {}
        detours = self.data / "detours.json"
        detours.write_text(
            json.dumps(
                {
                    "links": self._links.ports | self._crossings.ports,
                    "variables": _joined(clocked, variables or {}),
                }
            )
        )
        self._environment = {VARIABLE: str(detours)}
        self._run: Run | None = None

    def __enter__(self) -> Self:
        if disks.possible():
            self._mount()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._run is not None:
            self._run.close()
        self._links.close()
        self._crossings.close()
        self._thread.close()
        for disk in self._disks.values():
            disk.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def _mount(self) -> None:
        """Give PostgreSQL and Kafka a file system each, before they are first started."""
        self._layout.logs.mkdir(parents=True)
        areas = manifests.read(ROOT).areas
        asyncio.run(Postgres(self._layout, areas).initialise())
        self._disks = {
            "postgres": Disk(self.data / "postgres"),
            "kafka": Disk(self.data / "kafka" / "data"),
        }

    def _start(self) -> None:
        self._run = Run(self.data, PORT_OFFSET, self._environment)
        self._run.ready()

    # --- looking into it ----------------------------------------------------------------------

    @property
    def live(self) -> Live:
        """The shop, past the links."""
        return Live(f"http://127.0.0.1:{_ports(self._layout)['gateway']}", self.data)

    @property
    def url(self) -> str:
        """Where its clients find the gateway: behind a link."""
        return f"http://127.0.0.1:{self._links.ports['client>gateway']}"

    @property
    def topics(self) -> Topics:
        """The events on Kafka."""
        return self.live.topics

    @property
    def pending(self) -> int:
        """Deliveries that are put off."""
        return self._crossings.pending

    @property
    def without(self) -> Sequence[str]:
        """Kinds of fault that cannot be made here."""
        return [
            *(() if self._disks else ("full",)),
            *(() if self._clocks else ("clock",)),
        ]

    def tables(self) -> contextlib.AbstractContextManager[tuple[Inventory, Orders, Tables]]:
        """Sessions with the three databases."""
        return self.live.tables()

    async def back(self) -> None:
        """Wait until every process runs and serves."""
        running = self.live

        async def serve() -> bool:
            try:
                processes = running.state.processes
            except PlatformError:  # It is about to come.
                return False
            if any(process["pid"] is None for process in processes.values()):
                return False
            asked = (_serves(process["kind"], process["port"]) for process in processes.values())
            return all(await asyncio.gather(*asked))

        await until(serve, "every process serves", _BACK_SECONDS)

    async def settle(self) -> bool:
        """Call settle_orders as PingSource does each minute."""
        client = Client(self.url)
        try:
            answer = await client.post(
                f"{self.live.state.functions['settle_orders']}/", {}, headers=ping()
            )
        except aiohttp.ClientError:
            return False
        finally:
            await client.close()
        assert answer.status in (204, 503), answer
        return answer.status == 204

    # --- breaking it --------------------------------------------------------------------------

    async def strike(self, fault: Fault) -> None:
        """Let it go wrong, and return when it is over."""
        match fault.kind:
            case "kill":
                self._signal(fault.target, signal.SIGKILL)
            case "freeze":
                await self._freeze(fault.target, fault.seconds)
            case "slow" | "cut" | "silent" | "deaf":
                kind: LinkFault = fault.kind
                await self._links.worsen(fault.target, kind, fault.seconds, fault.strength)
            case "deliver":
                manner = cast("Manner", fault.target)
                await self._crossings.worsen(manner, fault.seconds, int(fault.at * 100))
            case "clock":
                await self._jump(fault.target, fault.seconds, fault.strength)
            case "full":
                await self._fill(fault.target, fault.seconds)
            case "poison":
                await self._poison(fault.target)
            case "rebalance":
                await rebalancing.read_twice(self.live.state, fault.seconds)
            case "stop" | "crash":
                await self._end_and_begin(kill=fault.kind == "crash")
            case _:
                raise ValueError(f"There is no fault {fault.kind}.")

    def _signal(self, name: str, number: signal.Signals) -> int | None:
        """Send it to the process, if it runs at the moment; its id."""
        pid: int | None = self.live.state.processes[name]["pid"]
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid

    async def _freeze(self, name: str, seconds: float) -> None:
        pid = self._signal(name, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):  # It may have been killed meanwhile.
                os.kill(pid, signal.SIGCONT)

    async def _jump(self, name: str, seconds: float, strength: float) -> None:
        assert self._clocks is not None
        self._clocks.jump(name, strength)
        await asyncio.sleep(seconds)
        self._clocks.jump(name, 0.0)

    async def _fill(self, name: str, seconds: float) -> None:
        self._disks[name].fill()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._disks[name].clear()

    async def _poison(self, kind: str) -> None:
        for area in ("inventory", "orders"):
            for _ in range(40):  # Kafka may be down at the moment.
                with contextlib.suppress(KafkaError):
                    self.poison.append(
                        await asyncio.to_thread(poison.send, self.live.state.kafka, kind, area)
                    )
                    break
                await asyncio.sleep(0.5)

    async def _end_and_begin(self, *, kill: bool) -> None:
        """Stop the platform, or kill its supervisor; start it on the data that are there."""
        assert self._run is not None
        supervisor = psutil.Process(self._run.process.pid)
        processes = {supervisor, *supervisor.children(recursive=True)}
        assert len(processes) > 20
        number, expected = (signal.SIGKILL, -signal.SIGKILL) if kill else (signal.SIGTERM, 0)
        self._run.process.send_signal(number)
        status = await asyncio.to_thread(self._run.process.wait, _END_SECONDS)
        assert status == expected, status

        async def ended() -> bool:
            return not any(_runs(process) for process in processes)

        await until(ended, "no process is left", _END_SECONDS)
        await asyncio.to_thread(self._start)


def _joined(*all_of: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The variables of each process, from all of these."""
    joined: dict[str, dict[str, str]] = {}
    for each in all_of:
        for name, variables in each.items():
            joined.setdefault(name, {}).update(variables)
    return joined


def _ports(layout: Layout) -> dict[str, int]:
    names = [function.name for function in manifests.read(ROOT).functions]
    return layout.function_ports(names) | {"postgres": layout.postgres, "kafka": layout.kafka}


def _servers(layout: Layout) -> dict[str, int]:
    """The port behind each link. Kafka has a listener for each, which leads back to it."""
    found, detours = _ports(layout), 0
    servers = {}
    for name in schedule.LINKS:
        server = name.partition(">")[2]
        servers[name] = found[server]
        if server == "kafka":
            servers[name] = layout.kafka_detour(detours)
            detours += 1
    return servers


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _serves(kind: str, port: int) -> bool:
    if kind in _OURS:
        return await probe.healthy(port, "/health/ready")
    return await probe.listening(port)


def ping() -> dict[str, str]:
    """The headers with which PingSource calls settle_orders."""
    return {
        "ce-specversion": "1.0",
        "ce-id": str(uuid4()),
        "ce-type": "dev.knative.sources.ping",
        "ce-source": "/apis/v1/namespaces/shop/pingsources/settle-orders",
    }
