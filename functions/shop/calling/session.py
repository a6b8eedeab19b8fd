"""The pool of connections, and a request as `async with` wants it."""

import asyncio
import time
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from shop.calling.connection import Answer, Connection

_IDLE_SECONDS = 30.0
_AGAIN_SECONDS = 0.1
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_REPEATABLE = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS"))
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class Place(NamedTuple):
    """Where a connection goes."""

    host: str
    port: int


@lru_cache(maxsize=256)
def _place(authority: str) -> Place:
    parts = urlsplit(f"//{authority}")
    return Place(parts.hostname or "", parts.port or 80)


class _Exchange:
    """A request and its answer, as `async with` wants it."""

    __slots__ = ("_connection", "_message", "_method", "_place", "_session", "_timeout")

    def __init__(
        self,
        session: "Session",
        method: str,
        place: Place,
        message: bytes,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._session = session
        self._method = method
        self._place = place
        self._message = message
        self._timeout = timeout
        self._connection: Connection | None = None

    async def __aenter__(self) -> Answer:
        """Send the request; its answer, once the head is there."""
        between = self._timeout.sock_read
        seconds = self._timeout.total or between
        await self._session.free.acquire()
        try:
            self._connection = await self._exchanged(seconds)
        except BaseException:
            self._session.free.release()
            raise
        return Answer(self._connection, between)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep the connection, or close it where the answer was not read to its end."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._session.free.release()
            self._session.keep(self._place, connection)

    async def _exchanged(self, seconds: float | None) -> Connection:
        bodiless = self._method == "HEAD"
        while True:
            connection = self._session.idle(self._place)
            fresh = connection is None
            if connection is None:
                async with asyncio.timeout(seconds):
                    connection = await self._session.connect(self._place)
            try:
                await connection.exchange(self._message, seconds, bodiless=bodiless)
            except aiohttp.ServerDisconnectedError:
                # It may have closed what lay idle at the moment of our request.
                if fresh or not connection.silent or self._method not in _REPEATABLE:
                    raise
            except BaseException:
                connection.close()
                raise
            else:
                return connection


class Session:
    """A pool of connections; `patience` is how many seconds a refused one is tried again.

    On Knative a request for a service that is not there yet waits at the activator. Where there
    is none, on one machine, its caller waits: nothing was sent, so any request may.
    """

    def __init__(
        self, rest: aiohttp.ClientSession | None = None, *, patience: float, most: int = 512
    ) -> None:
        """`rest` sends what is not for here: bodies that flow, and what is encrypted.

        `most` bounds the requests at a time; further ones wait.
        """
        self._rest = rest
        self._patience = patience
        self.free = asyncio.Semaphore(most)
        self._idle: dict[Place, list[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """The session itself; it is closed at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    def request(
        self,
        method: str,
        url: str | URL,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        data: Any = None,
        timeout: aiohttp.ClientTimeout = _NO_TIMEOUT,
        allow_redirects: bool = False,
    ) -> Any:
        """A request to an `http://` address; none is redirected.

        Its `timeout.total`, else its `timeout.sock_read`, bounds the wait for the head.

        Raises, when it is entered:
            TimeoutError: the head is not there in time.
            aiohttp.ClientConnectorError: no connection could be made; nothing was sent.
            aiohttp.ClientError: the answer broke off.
        """
        address = str(url)
        whole = data is None or isinstance(data, bytes)
        if self._rest is not None and not (whole and address.startswith("http://")):
            return self._rest.request(
                method, url, headers=headers, data=data, timeout=timeout,
                allow_redirects=allow_redirects,
            )  # fmt: skip
        authority, _, path = address.removeprefix("http://").partition("/")
        message = _message(method, authority, f"/{path}", headers, data)
        return _Exchange(self, method, _place(authority), message, timeout)

    def get(self, url: str | URL, **options: Any) -> Any:
        """A GET, as `request` sends it."""
        return self.request("GET", url, **options)

    def post(self, url: str | URL, **options: Any) -> Any:
        """A POST, as `request` sends it."""
        return self.request("POST", url, **options)

    async def close(self) -> None:
        """Close every connection that lies idle."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        await asyncio.sleep(0)  # The transports close at the loop's next turn.

    def idle(self, place: Place) -> Connection | None:
        """A connection that lies idle, the last used first."""
        connections = self._idle.get(place)
        while connections:
            connection = connections.pop()
            if not connection.lost:
                return connection
        return None

    async def connect(self, place: Place) -> Connection:
        """A new connection; refused ones are tried again for a while."""
        loop = asyncio.get_running_loop()
        give_up = time.monotonic() + self._patience
        while True:
            try:
                _, connection = await loop.create_connection(Connection, *place)
            except OSError as error:
                if time.monotonic() > give_up:
                    key = ConnectionKey(
                        place.host, place.port, is_ssl=False, ssl=True,
                        proxy=None, proxy_auth=None, proxy_headers_hash=None,
                    )  # fmt: skip
                    raise aiohttp.ClientConnectorError(key, error) from error
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return connection

    def keep(self, place: Place, connection: Connection) -> None:
        """Keep the connection for the next request, or close it where it will not do."""
        if not (connection.complete and connection.reusable):
            connection.close()
        if connection.lost:
            return
        connection.idle_since = time.monotonic()
        self._idle.setdefault(place, []).append(connection)
        if self._sweep is None:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(_IDLE_SECONDS, self._close_old)

    def _close_old(self) -> None:
        oldest = time.monotonic() - _IDLE_SECONDS
        for place, connections in list(self._idle.items()):
            self._idle[place] = []
            for connection in connections:
                if connection.idle_since < oldest:
                    connection.close()
                elif not connection.lost:
                    self._idle[place].append(connection)
        self._sweep = None
        if any(self._idle.values()):
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(_IDLE_SECONDS, self._close_old)


def _message(
    method: str, authority: str, path: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    """The request as it is sent; ValueError where a value would end its line."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if "Content-Length" not in headers and (body is not None or method in _WITH_BODY):
        lines.append(f"Content-Length: {len(body or b'')}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a header holds the end of a line")
    return f"{head}\r\n\r\n".encode("latin-1", "replace") + (body or b"")
