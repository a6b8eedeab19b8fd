"""Wires between processes that can be made bad: slow, cut, silent, one-way.

Each link is a port of this machine; what connects there is passed on to the server behind it. The
links run in a thread of their own, so that a busy test does not slow them.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import uvloop

from local.layout import HOST

# slow: bytes come later; cut: connections are reset, again and again; silent: nothing comes
# through, in either direction; deaf: requests arrive, and their answers do not.
Fault = Literal["slow", "cut", "silent", "deaf"]

Result = TypeVar("Result")

_CHUNK = 64 * 1024
_CUT_SECONDS = 0.2
_LOOK_SECONDS = 0.02
# What Knative's activator does for a function that starts; PostgreSQL and Kafka just refuse.
_HOLD_SECONDS = 8.0
_RESET = struct.pack("ii", 1, 0)

_Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Link:
    """The way from a client to a server. `delay` is in seconds, for each direction."""

    name: str
    port: int
    server: int
    holds: bool
    fault: Fault | None = None
    delay: float = 0.0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on until either side ends it."""
        ways: list[asyncio.Task[None]] = []
        self.writers.add(writer)
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            self.writers.discard(writer)
            _reset(writer)
            return
        self.writers.add(far_writer)
        try:
            ways = [
                asyncio.create_task(self._pass(reader, far_writer, answers=False)),
                asyncio.create_task(self._pass(far_reader, writer, answers=True)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, far_writer):
                self.writers.discard(end)
                end.close()

    async def _connect(self) -> _Pipe:
        deadline = asyncio.get_running_loop().time() + _HOLD_SECONDS
        while True:
            try:
                return await asyncio.open_connection(HOST, self.server)
            except ConnectionError:
                if not self.holds or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_LOOK_SECONDS)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if self.fault == "slow":
                    await asyncio.sleep(self.delay)
                while self.fault == "silent":
                    await asyncio.sleep(_LOOK_SECONDS)
                if self.fault == "deaf" and answers:
                    continue
                writer.write(chunk)
                await writer.drain()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in tuple(self.writers):
            _reset(writer)

    async def worsen(self, fault: Fault, seconds: float, delay: float = 0.0) -> None:
        """Have the fault for so long; then be as before."""
        self.fault, self.delay = fault, delay
        try:
            if fault == "cut":
                for _ in range(max(1, int(seconds / _CUT_SECONDS))):
                    self.cut()
                    await asyncio.sleep(_CUT_SECONDS)
            else:
                await asyncio.sleep(seconds)
        finally:
            self.fault = None
        if fault == "deaf":  # An answer that was swallowed would be missed in the next one's place.
            self.cut()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        raw = writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()


class Thread:
    """An event loop of its own, for what must keep its pace beside the test."""

    def __init__(self, name: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await it there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Have it done there, and block until it is."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)


class Links:
    """Every link of a platform, by name: `client>server`."""

    def __init__(self, thread: Thread, servers: Mapping[str, int], first_port: int) -> None:
        """`servers` says, for each link, the port of its server."""
        self._thread = thread
        self._links = {
            name: Link(name, first_port + place, server, not name.endswith((">kafka", ">postgres")))
            for place, (name, server) in enumerate(servers.items())
        }
        self._servers = [thread.wait(_listen(link)) for link in self._links.values()]

    @property
    def ports(self) -> dict[str, int]:
        """The port of each link."""
        return {link.name: link.port for link in self._links.values()}

    async def worsen(self, name: str, fault: Fault, seconds: float, delay: float) -> None:
        """Let a link have a fault for some seconds."""
        await self._thread.run(self._links[name].worsen(fault, seconds, delay))

    def close(self) -> None:
        """Listen no longer, and end every connection."""

        async def end() -> None:
            for server in self._servers:
                server.close()
            for link in self._links.values():
                link.cut()

        self._thread.wait(end())


async def _listen(link: Link) -> asyncio.Server:
    return await asyncio.start_server(link.accept, HOST, link.port, backlog=256)
