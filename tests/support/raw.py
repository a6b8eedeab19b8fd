"""HTTP as bytes on a socket: for what no client library would send."""

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(slots=True)
class Received:
    """What came back: each answer's status, the bytes, and whether the server then closed."""

    data: bytes = b""
    closed: bool = False
    statuses: list[int] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The first answer's status line and headers, in lower case."""
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1").lower()

    @property
    def problem(self) -> Any:
        """The first answer's body as the problem that it is."""
        assert "content-type: application/problem+json" in self.head, self.head
        length = int(re.findall(r"content-length: (\d+)", self.head)[0])
        return json.loads(self.data.partition(b"\r\n\r\n")[2][:length])


async def send(address: str, *pieces: bytes, pause: float = 0.0, wait: float = 0.3) -> Received:
    """Send the pieces with pauses between them; what comes back until `wait` s of silence."""
    where = urlsplit(address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    received = Received()

    sent = asyncio.Event()

    async def read() -> None:
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                try:
                    async with asyncio.timeout(wait):
                        received.data += await reader.read(65_536)
                except TimeoutError:
                    if sent.is_set():
                        return
        received.closed = True

    reading = asyncio.create_task(read())
    with contextlib.suppress(ConnectionError):
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            writer.write(piece)
            await writer.drain()
    sent.set()
    await reading
    writer.close()
    received.statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", received.data)]
    return received


def request(line: str, *headers: str, body: bytes = b"", host: str | None = "shop.test") -> bytes:
    """A request as bytes, with a Host unless it is None."""
    lines = [line, *([f"Host: {host}"] if host is not None else []), *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
