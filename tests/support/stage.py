"""A server that answers what a test tells it to, and remembers what it was asked."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from local.layout import HOST

Play = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header, or None; AssertionError where it came several times."""
        values = [value for known, value in self.headers if known.lower() == name.lower()]
        assert len(values) <= 1, values
        return values[0] if values else None


class Stage:
    """Answers by `play`, once it is open."""

    def __init__(self) -> None:
        self.address = ""
        self.asked: list[Asked] = []
        self.play: Play = self.answer_json
        # A play that reads the body itself has it left unread.
        self.reads = True

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Stage"]:
        """Listen on a port of its own."""
        application = web.Application(client_max_size=64 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, shutdown_timeout=0.2, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        self.address = f"http://{HOST}:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @staticmethod
    async def answer_json(_: web.Request) -> web.StreamResponse:
        """The usual answer."""
        return web.json_response({"ok": True})

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read() if self.reads else b""
        headers = [(n.decode(), v.decode("latin-1")) for n, v in request.raw_headers]
        self.asked.append(Asked(request.method, request.raw_path, headers, body))
        return await self.play(request)
