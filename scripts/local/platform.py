"""Brings the whole platform up, keeps it up, and takes it down in order."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Iterable

from local import checks, manifests, table
from local.child import Child
from local.console import Console, Output
from local.forks import Forkserver
from local.grafana import Grafana
from local.kafka import Kafka
from local.layout import HOST, ROOT, Layout, PlatformError
from local.plan import Plan, Spec
from local.postgres import Postgres
from local.process import Process
from local.prometheus import Prometheus
from local.state import State
from local.storefront import build
from shop import keys

# Processes that may start at once: more would only take the processor from one another, and
# from what the first order waits for.
_STARTING = 1 + (os.cpu_count() or 2)
_JOB_ATTEMPTS = 3
_START_SECONDS = 120.0


class Platform:
    """One running platform."""

    def __init__(self, layout: Layout, console: Console) -> None:
        self._layout = layout
        self._console = console
        self._manifests = manifests.read(ROOT)
        self._postgres = Postgres(layout, self._manifests.areas)
        self._kafka = Kafka(layout)
        self._prometheus = Prometheus(layout)
        self._grafana = Grafana(layout)
        urls = {area: self._postgres.url(area) for area in self._manifests.areas}
        self._plan = Plan(self._manifests, layout, urls)
        self._urls = urls
        self._processes: dict[str, Process] = {}
        self._slots = asyncio.Semaphore(_STARTING)
        self._forkserver = Forkserver()
        self._began = time.monotonic()
        self._is_ready = False
        self._stop = asyncio.Event()
        self._building: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Start everything, then stay until a signal asks to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._ask_to_stop)
        self._check_ports()
        progress = asyncio.create_task(self._tell_progress())
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait(
                {starting, stopping}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not starting.done() and not stopping.done():
                self._tell_late()
                await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                self._is_ready = True
                self._write_state()
                progress.cancel()
                self._show_table()
                await stopping
        finally:
            progress.cancel()
            starting.cancel()
            stopping.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            if self._building is not None:
                self._building.cancel()
                await asyncio.gather(self._building, return_exceptions=True)
            await self._take_down()

    # --- starting ---------------------------------------------------------------------------

    async def _start(self) -> None:
        async with asyncio.TaskGroup() as group:
            databases = group.create_task(self._start_databases())
            topics = group.create_task(self._start_kafka())
            group.create_task(self._start_functions(databases))
            group.create_task(self._start_event_side(databases, topics))

    async def _start_databases(self) -> None:
        if not self._postgres.external:
            await self._postgres.initialise()
            self._add(self._postgres.spec()).start()
        await self._postgres.wait()
        await self._postgres.create_databases()
        self._told("PostgreSQL")
        jobs = [job for job in self._plan.jobs() if job.area is not None]
        await asyncio.gather(*(self._run_job(job) for job in jobs))
        self._told("databases")

    async def _start_kafka(self) -> None:
        jars = await self._kafka.jars(self._console)
        await self._kafka.initialise(jars)
        await self._start_and_wait(self._kafka.spec(jars))
        self._told("Kafka")
        jobs = [job for job in self._plan.jobs() if job.area is None]
        await asyncio.gather(*(self._run_job(job) for job in jobs))
        self._told("topics")

    async def _start_functions(self, databases: Awaitable[None]) -> None:
        await self._first(databases)
        specs = [self._plan.fronts(), *self._plan.functions()]
        await asyncio.gather(*(self._start_in_turn(spec) for spec in specs))
        self._told(f"{len(self._manifests.functions)} functions")
        if not build.is_current():
            # It takes what the first orders would need; nothing else waits for it.
            self._building = asyncio.create_task(self._build_storefront())

    async def _build_storefront(self) -> None:
        self._console.say("  The storefront has changed and is built; the shop serves meanwhile.")
        try:
            await self._run_job(self._plan.storefront_build(), attempts=1)
        except PlatformError as error:
            self._console.note("storefront", str(error), "warning")
        else:
            self._told("the storefront")

    async def _start_event_side(self, databases: Awaitable[None], topics: Awaitable[None]) -> None:
        await asyncio.gather(self._first(databases), self._first(topics))
        specs = [*self._plan.loops(), self._plan.event_sources()]
        await asyncio.gather(*(self._start_in_turn(spec) for spec in specs))
        self._told("relays, courier and event sources")
        if self._prometheus.installed:
            await self._start_and_wait(self._prometheus.spec(self._plan))
            self._told("Prometheus")
        if self._grafana.installed:
            await self._start_and_wait(self._grafana.spec())
            self._told("Grafana")

    async def _first(self, other: Awaitable[None]) -> None:
        """Wait for another branch without being the one that its cancellation reaches."""
        await asyncio.shield(asyncio.ensure_future(other))

    async def _start_in_turn(self, spec: Spec) -> None:
        async with self._slots:
            await self._start_and_wait(spec)

    async def _start_and_wait(self, spec: Spec) -> None:
        process = self._add(spec)
        process.start()
        await process.ready.wait()

    def _add(self, spec: Spec) -> Process:
        process = Process(
            spec, self._layout.logs, self._console, self._write_state, self._forkserver
        )
        self._processes[spec.name] = process
        return process

    async def _run_job(self, spec: Spec, attempts: int = _JOB_ATTEMPTS) -> None:
        for _ in range(attempts):
            output = Output(spec.name, self._layout.logs, self._console)
            child = await Child.start(spec, output, self._forkserver)
            try:
                status = await child.wait()
            finally:
                child.signal(signal.SIGKILL)
                output.close()
            if status == 0:
                return
            await asyncio.sleep(0.5)
        raise PlatformError(
            f"The job {spec.name} failed {attempts} times; "
            f"{self._layout.logs / spec.name}.log says why."
        )

    # --- stopping ---------------------------------------------------------------------------

    def _ask_to_stop(self) -> None:
        if self._stop.is_set():
            self._console.say("Hurrying: what has not ended yet is killed.")
            for process in self._processes.values():
                # PostgreSQL and Kafka come to no harm; they recover at the next start.
                process.kill()
            return
        self._stop.set()

    async def _take_down(self) -> None:
        """From the edge inwards: nobody loses the one it still talks to."""
        if not self._processes:
            return
        began = time.monotonic()
        self._console.say("Stopping … (once more Ctrl-C to hurry)")
        edge = [p for p in self._processes.values() if p.spec.name in ("gateway", "area-fronts")]
        await self._stop_all(edge)
        for kinds in (
            ("grafana",), ("prometheus", "sources"), ("function",), ("loop",),
            ("kafka", "postgres"),
        ):  # fmt: skip
            await self._stop_all(p for p in self._processes.values() if p.spec.kind in kinds)
        await self._forkserver.stop()
        self._layout.state.unlink(missing_ok=True)
        self._console.say(f"Stopped in {time.monotonic() - began:.1f} s; the data is kept.")

    async def _stop_all(self, processes: Iterable[Process]) -> None:
        await asyncio.gather(*(process.stop() for process in processes))

    # --- telling ----------------------------------------------------------------------------

    def _check_ports(self) -> None:
        ports: dict[int, str] = {}
        for spec in (*self._plan.functions(), *self._plan.loops(), self._plan.event_sources()):
            if spec.port is not None:
                ports[spec.port] = spec.name
        for area, port in self._layout.areas.items():
            ports[port] = f"the {area} area"
        ports[self._layout.storefront] = "the storefront"
        if not self._postgres.external:
            ports[self._layout.postgres] = "PostgreSQL"
        ports[self._layout.kafka] = "Kafka"
        if self._prometheus.installed:
            ports[self._layout.prometheus] = "Prometheus"
        if self._grafana.installed:
            ports[self._layout.grafana] = "Grafana"
        ports[self._layout.kafka_controller] = "Kafka's controller"
        checks.check_ports(ports)

    def _told(self, what: str) -> None:
        seconds = time.monotonic() - self._began
        self._console.say(f"  {seconds:5.1f} s  {what} ready")

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(5)
            missing = ", ".join(self._missing())
            if missing:
                seconds = time.monotonic() - self._began
                self._console.say(f"  {seconds:5.1f} s  waiting for {missing}")

    def _tell_late(self) -> None:
        late = ", ".join(self._missing()) or "the preparations"
        self._console.say(
            f"After {_START_SECONDS:.0f} s these are not ready: {late}. What is ready serves; "
            f"{self._layout.logs} says more."
        )

    def _missing(self) -> list[str]:
        return [p.spec.name for p in self._processes.values() if not p.ready.is_set()]

    def _show_table(self) -> None:
        seconds = time.monotonic() - self._began
        specs = [process.spec for process in self._processes.values()]
        for line in table.lines(specs, self._layout, self._console.paint):
            self._console.say(line)
        self._console.say(f"Ready after {seconds:.1f} s. Ctrl-C stops it; the data stays.\n")

    def _write_state(self) -> None:
        functions = {f.name: self._plan.address(f.name) for f in self._manifests.functions}
        own = {
            "gateway": functions["gateway"],
            "storefront": f"http://{HOST}:{self._layout.storefront}",
        }
        State(
            pid=os.getpid(),
            ready=self._is_ready,
            urls=own | {area: f"http://{HOST}:{port}" for area, port in self._layout.areas.items()},
            functions=functions,
            databases=self._urls,
            admin_database=self._postgres.admin_url,
            kafka=self._layout.kafka_address,
            backups=str(self._layout.backups),
            processes={name: process.told() for name, process in self._processes.items()},
        ).write(self._layout)


def up(layout: Layout, console: Console) -> None:
    """Run the platform until it is asked to stop."""
    layout.logs.mkdir(parents=True, exist_ok=True)
    checks.check_disk(layout.data)
    with checks.only_one(layout):
        keys.keep(layout.keys)
        asyncio.run(_run(layout, console))


async def _run(layout: Layout, console: Console) -> None:
    try:
        await Platform(layout, console).run()
    except* PlatformError as group:
        raise _sentence(group) from None


def _sentence(group: BaseExceptionGroup[PlatformError]) -> PlatformError:
    first = group.exceptions[0]
    return _sentence(first) if isinstance(first, BaseExceptionGroup) else first
