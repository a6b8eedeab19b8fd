"""Making things fail at a chosen moment: a crash at a step, a call that does not arrive."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import aiohttp
from aiohttp import web

from local.layout import HOST, ROOT
from shop.database import Statement
from shop.prepared import PreparedConnection, Row
from tests.support.functions import Function, source_of
from tests.support.postgres import free_port

Moment = Literal["before", "after"]
Forward = Callable[[], Awaitable[web.Response]]
Script = Callable[[Forward], Awaitable[web.Response]]

_READY_SECONDS = 20.0


class Crash(BaseException):
    """The end of a process, as far as one request is concerned: nothing handles it."""


class Saboteur:
    """Lets a served function fail before or after a step, once for each `arm`.

    A step is a statement, by the name under which it is measured, or a call, by the setting
    that holds the other function's address.
    """

    def __init__(self, function: Function) -> None:
        self._armed: dict[tuple[Moment, str], BaseException] = {}
        services = function.services
        measured, client = services.database.measured, services.client_or_none

        async def run(
            connection: PreparedConnection, statement: Statement, values: Mapping[str, Any]
        ) -> list[Row]:
            self._reach("before", statement.name)
            rows = await measured(connection, statement, values)
            self._reach("after", statement.name)
            return rows

        services.database.measured = run  # type: ignore[method-assign]
        if client is None:
            return
        post = client.post

        async def call(setting: str, *arguments: Any, **options: Any) -> tuple[int, bytes]:
            self._reach("before", setting)
            answer = await post(setting, *arguments, **options)
            self._reach("after", setting)
            return answer

        client.post = call  # type: ignore[method-assign]

    def arm(self, moment: Moment, step: str, failure: BaseException | None = None) -> None:
        """Crash when that moment comes next, or raise the failure that is given."""
        self._armed[moment, step] = failure or Crash(f"{moment} {step}")

    def disarm(self) -> None:
        """Fail no more."""
        self._armed.clear()

    def _reach(self, moment: Moment, step: str) -> None:
        failure = self._armed.pop((moment, step), None)
        if failure is not None:
            raise failure


class Gate:
    """Stands in front of a function, and does with each request what its script says.

    The script gets a coroutine that forwards the request; by default it is just called.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self.address = ""
        self.script: Script = _forwarded
        self.requests: list[str] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Gate"]:
        """Listen, on a port of its own."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        self.address = f"http://{HOST}:{runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        try:
            yield self
        finally:
            await self._session.close()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(request.path)

        async def forward() -> web.Response:
            async with self._session.request(
                request.method, self._target + request.path, data=body,
                headers={"Content-Type": "application/json"},
            ) as answer:  # fmt: skip
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    content_type=answer.content_type,
                )

        return await self.script(forward)


async def _forwarded(forward: Forward) -> web.Response:
    return await forward()


class Process:
    """A function in a process of its own, as it is deployed."""

    def __init__(self, name: str, settings: Mapping[str, str]) -> None:
        port = free_port()
        self.address = f"http://{HOST}:{port}"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._child = subprocess.Popen(
            [sys.executable, "-m", "shop.serve"],
            env={
                "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "functions"),
                "FUNCTION_TARGET": name, "FUNCTION_SOURCE": source_of(name),
                "HOST": HOST, "PORT": str(port), "OTEL_METRICS_EXPORTER": "none", **settings,
            },
            cwd=Path(ROOT),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    async def ready(self) -> None:
        """Wait until it can serve."""
        async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
            while self._child.poll() is None:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(self.address + "/health/ready") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.02)
        raise RuntimeError(f"it does not start: {self.log()}")

    def kill(self) -> None:
        """End it at once, as a lost node would."""
        self._child.kill()
        self._child.wait()

    def terminate(self) -> None:
        """Ask it to end, as Kubernetes does."""
        self._child.send_signal(signal.SIGTERM)

    async def ended(self, seconds: float) -> int:
        """Its exit status; TimeoutError where it runs for longer than `seconds`."""
        async with asyncio.timeout(seconds):
            while (status := self._child.poll()) is None:
                await asyncio.sleep(0.02)
        return status

    def log(self) -> str:
        """What it has written."""
        self._log.seek(0)
        return self._log.read().decode()

    def close(self) -> None:
        """End it, if it has not ended, and forget its log."""
        if self._child.poll() is None:
            self.kill()
        self._log.close()
