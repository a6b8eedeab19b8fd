"""An ASGI client without a network: it says exactly what reaches an application."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from shop.edge import App, Message


@dataclass(slots=True)
class Exchange:
    """What an application answered, and how much of the request it read."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    pieces_read: int = 0

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """The one header of that name."""
        (value,) = [value for known, value in self.headers if known == name]
        return value


async def exchange(
    app: App,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    pieces: Sequence[bytes] = (b"",),
    query: str = "",
) -> Exchange:
    """Send one request, its body in pieces."""
    found = Exchange()

    async def receive() -> Message:
        piece = pieces[found.pieces_read]
        found.pieces_read += 1
        more = found.pieces_read < len(pieces)
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.status = message["status"]
            found.headers = [(n.decode().lower(), v.decode()) for n, v in message["headers"]]
        else:
            found.body += message.get("body", b"")

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(),
        "headers": [(n.lower().encode(), v.encode()) for n, v in (headers or {}).items()],
        "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "root_path": "",
        "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    return found


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[list[str]]:
    """Start the application and stop it; yields the types of the messages that it sends."""
    coming: asyncio.Queue[Message] = asyncio.Queue()
    started = asyncio.Event()
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])
        started.set()

    async def run() -> None:
        await app({"type": "lifespan"}, coming.get, send)

    running = asyncio.create_task(run())
    coming.put_nowait({"type": "lifespan.startup"})
    await started.wait()
    try:
        yield sent
    finally:
        coming.put_nowait({"type": "lifespan.shutdown"})
        await running
