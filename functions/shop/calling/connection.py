"""One connection of the client: an answer is parsed, and read no faster than it is taken."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict

# An answer up to here comes in one piece; a longer one, or one of unknown length, flows.
WHOLE = 65_536
_MOST_HELD = 262_144


class Answer:
    """An answer: its head, and its body as a whole or while it comes."""

    __slots__ = ("_connection", "_seconds", "headers", "status")

    def __init__(self, connection: "Connection", seconds: float | None) -> None:
        self._connection = connection
        self._seconds = seconds
        self.status = connection.status
        self.headers: CIMultiDict[str] = CIMultiDict(connection.headers)

    @property
    def content_length(self) -> int | None:
        """The length that the head tells."""
        return self._connection.length

    @property
    def content(self) -> "Answer":
        """Where `iter_any` is."""
        return self

    async def read(self) -> bytes:
        """The whole body."""
        if self._connection.complete:
            return b"".join(self._connection.taken())
        return b"".join([piece async for piece in self.iter_any()])

    async def iter_any(self) -> AsyncIterator[bytes]:
        """The body's pieces as they come; TimeoutError where the next one takes too long."""
        connection = self._connection
        while True:
            for piece in connection.taken():
                yield piece
            if connection.complete and not connection.pieces:
                return
            await connection.more(self._seconds)


class Connection(asyncio.Protocol):
    """One connection, with one request on it at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser: HttpResponseParser
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._paused = False
        self._held = 0
        self._in_head = False
        self._bodiless = False
        self._until_closed = False
        self.lost = False
        self.silent = True
        self.idle_since = 0.0
        self.complete = True
        self.reusable = False
        self.status = 0
        self.length: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.pieces: list[bytes] = []

    async def exchange(self, message: bytes, seconds: float | None, *, bodiless: bool) -> None:
        """Send a request, and wait for the head of its answer, and for a body that is short."""
        self._parser = HttpResponseParser(self)
        self._bodiless = bodiless
        self.complete = self.reusable = self._until_closed = False
        self.silent = self._in_head = True
        self._begin()
        self._transport.write(message)
        await self._wait(seconds)

    async def more(self, seconds: float | None) -> None:
        """Wait for a further piece of the body, or for its end."""
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if not self.pieces and not self.complete:
            await self._wait(seconds)

    def taken(self) -> list[bytes]:
        """What has come of the body since this was asked last."""
        pieces, self.pieces = self.pieces, []
        self._held = 0
        return pieces

    def close(self) -> None:
        """Leave whatever is under way."""
        self.lost = True
        self._transport.abort()

    async def _wait(self, seconds: float | None) -> None:
        if self._failure is not None:
            raise self._failure
        waiter = self._waiter = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, self._expire, waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    @staticmethod
    def _expire(waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._failure)
        self.close()

    def _begin(self) -> None:
        self.status, self.length = 0, None
        self.headers = []

    # --- what the transport calls ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse what comes; what nobody has asked for ends the connection."""
        if self.complete:
            self.close()
            return
        self.silent = False
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(aiohttp.ClientPayloadError(f"no answer in HTTP: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        """End what is under way: well, where only the end of the connection ends the body."""
        self.lost = True
        if self.complete:
            return
        if self._until_closed and error is None:
            self.complete = True
            self._wake()
        else:
            self._fail(aiohttp.ServerDisconnectedError())

    # --- what the parser calls ------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one that stands behind the body is left out."""
        if self._in_head:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Take the head; tell of it at once where the body will flow."""
        self.status = self._parser.get_status_code()
        self.reusable = self._parser.should_keep_alive()
        if self.status < 200:
            return
        self._in_head = False
        chunked = False
        for name, value in self.headers:
            lowered = name.lower()
            if lowered == "content-length":
                self.length = int(value)
            elif lowered == "transfer-encoding":
                chunked = True
        if self._bodiless:
            self.on_message_complete()
        elif self.length is None or self.length > WHOLE:
            self._until_closed = self.length is None and not chunked
            self._wake()

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body, and read no further while too many wait."""
        self.pieces.append(piece)
        self._held += len(piece)
        if self.length is None or self.length > WHOLE:
            self._wake()
            if self._held > _MOST_HELD and not self._paused:
                self._paused = True
                self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Take the end; that of an interim answer is a beginning."""
        if self.status < 200:
            self._begin()
            return
        self.complete = True
        self._wake()
