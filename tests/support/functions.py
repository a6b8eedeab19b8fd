"""The shop's functions, served over HTTP inside the tests' own process.

Each is built as `python -m shop.serve` builds it and has a server and a port of its own; all
run on one event loop in one thread, so that synchronous and asynchronous tests can call them.
"""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
import uvloop

from local.layout import HOST, ROOT
from shop.declaration import Operation
from shop.edge import Edge
from shop.serve import build, configured
from shop.services import Services
from shop.settings import Settings

Result = TypeVar("Result")

FUNCTIONS = ROOT / "functions"
_START_SECONDS = 20.0


@dataclass(slots=True)
class Function:
    """A function that serves."""

    name: str
    address: str
    edge: Edge
    server: uvicorn.Server
    task: asyncio.Task[None]

    @property
    def operation(self) -> Operation:
        """Its declaration."""
        return self.edge._operation

    @property
    def services(self) -> Services:
        """What its process would hold."""
        assert self.edge._services is not None
        return self.edge._services


class Host:
    """The thread in which functions are served."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="functions")
        self._thread.start()
        self._running: list[Function] = []

    def run(self, coroutine: Coroutine[Any, Any, Result], seconds: float = 60.0) -> Result:
        """Run a coroutine on the functions' loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)

    def serve(self, name: str, settings: Mapping[str, str]) -> Function:
        """Start a function; `settings` is its whole environment but its name and source."""
        whole = Settings({**_base(name), **settings})
        with _undisturbed():
            edge = build(whole)
        function = self.run(self._start(name, edge, whole))
        self._running.append(function)
        return function

    def stop(self, *functions: Function) -> None:
        """Let functions drain and end."""
        self.run(self._stop(functions))
        self._running = [function for function in self._running if function not in functions]

    def close(self) -> None:
        """Stop every function, and the thread."""
        self.stop(*self._running)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self, name: str, edge: Edge, settings: Settings) -> Function:
        listener = socket.socket()
        listener.bind((HOST, 0))
        config = configured(edge, settings)
        config.timeout_graceful_shutdown = 5
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]), name=name)
        async with asyncio.timeout(_START_SECONDS):
            while not server.started:
                if task.done():
                    raise RuntimeError(f"{name} does not start")
                await asyncio.sleep(0.005)
        return Function(name, f"http://{HOST}:{listener.getsockname()[1]}", edge, server, task)

    async def _stop(self, functions: tuple[Function, ...]) -> None:
        for function in functions:
            function.server.should_exit = True
        await asyncio.gather(*(function.task for function in functions))


def source_of(name: str) -> str:
    """The file of a function, relative to functions/."""
    (path,) = FUNCTIONS.glob(f"*/{name}.py")
    return str(Path(path.parent.name) / path.name)


def _base(name: str) -> dict[str, str]:
    return {
        "FUNCTION_TARGET": name,
        "FUNCTION_SOURCE": source_of(name),
        "OTEL_METRICS_EXPORTER": "none",
        "LOG_LEVEL": "critical",
    }


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep what building a function changes of its process: logging, and its target's name."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    target = os.environ.get("FUNCTION_TARGET")
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        if target is None:
            os.environ.pop("FUNCTION_TARGET", None)
        else:
            os.environ["FUNCTION_TARGET"] = target
