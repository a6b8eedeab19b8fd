"""What a connection may ask of a process before any of our code reads a request.

httptools refuses most of what is ambiguous in HTTP: two lengths, a length beside chunks, folded
lines, bare line feeds. This closes what it leaves open: it bounds the head, the time that head,
body and answer may take, and the number of connections, and refuses targets, hosts, codings and
upgrades of which two servers in a row could make two different requests.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from weakref import WeakSet

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from shop.corking import CorkedProtocol
from shop.errors import PROBLEM_TYPE
from shop.settings import Settings

_NEVER = float("inf")
# For which a connection that nobody uses outlives the word that the process ends.
_LAST_SECONDS = 0.5
_HOST = re.compile(rb"[A-Za-z0-9._-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")

# Connections that were refused or cut off by this process, by the reason.
REASONS = ("malformed", "too-long", "too-slow", "too-many")
refusals: Counter[str] = Counter()
# The servers whose timer runs: it ends when it finds no connection, and may outlive several.
_looked_after: WeakSet[ServerState] = WeakSet()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a connection may take: seconds, bytes and counts."""

    connections: int = 1024
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    head_bytes: int = 32_768
    target_bytes: int = 8_192
    headers: int = 100

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        """The bounds, with what the environment says of them."""
        usual = cls()
        return cls(
            connections=settings.integer("HTTP_CONNECTIONS", usual.connections, least=1),
            head_seconds=settings.seconds("HTTP_HEAD_SECONDS", usual.head_seconds),
            body_seconds=settings.seconds("HTTP_BODY_SECONDS", usual.body_seconds),
            write_seconds=settings.seconds("HTTP_WRITE_SECONDS", usual.write_seconds),
        )


class _RefusalError(Exception):
    """Raised inside the parser's callbacks: what is answered, and counted as."""

    def __init__(self, status: HTTPStatus, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason, detail


class GuardedProtocol(CorkedProtocol):
    """uvicorn's HTTP protocol within bounds.

    Deadlines are numbers that one timer of the process looks at: a timer of its own for each head
    and each body would cost every request.
    """

    def __init__(self, *arguments: Any, bounds: Bounds, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._bounds = bounds
        self._due = _NEVER
        self._write_due = _NEVER
        self._in_head = True
        self._head_bytes = 0
        self._moved_on = False
        self._deaf = False
        self._ends = False

    def connection_made(self, transport: Any) -> None:
        """Take the connection, or refuse it where there are too many."""
        super().connection_made(transport)
        self._due = self.loop.time() + self._bounds.head_seconds
        if len(self.connections) > self._bounds.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too-many", "There are too many clients.")
        elif self.server_state not in _looked_after:
            _looked_after.add(self.server_state)
            self.loop.call_later(self._pause, self._look)

    @property
    def _answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says.
        return cycle is not None and not cycle.response_complete

    @property
    def _pause(self) -> float:
        return min(1.0, self._bounds.head_seconds / 4, self._bounds.body_seconds / 4)

    def _look(self) -> None:
        """End the connections whose time is over."""
        now = self.loop.time()
        for connection in list(self.connections):
            if isinstance(connection, GuardedProtocol):
                connection.end_if_due(now)
        if self.connections:
            self.loop.call_later(self._pause, self._look)
        else:
            _looked_after.discard(self.server_state)

    def end_if_due(self, now: float) -> None:
        """End this connection where its client is too slow."""
        if now >= self._write_due:
            refusals["too-slow"] += 1
            self.transport.abort()
        elif now >= self._due:
            self._due = _NEVER
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "too-slow", "The request took too long.")

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and refuse what cannot be one request."""
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        if self._due == _NEVER and not self._answering:
            self._due = self.loop.time() + self._bounds.head_seconds
        self._moved_on = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deaf = True
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _RefusalError):
                self._refuse(cause.status, cause.reason, cause.detail)
            else:
                self._refuse(HTTPStatus.BAD_REQUEST, "malformed", "The request is not HTTP.")
        else:
            self._bound_head(len(data))

    def _bound_head(self, size: int) -> None:
        """Refuse a head that does not end: the parser tells of a header when it is complete."""
        if self._moved_on or not self._in_head:
            self._head_bytes = 0
            return
        self._head_bytes += size
        if self._head_bytes > self._bounds.head_bytes:
            self._refuse(*_TOO_LONG)

    # --- what the parser tells ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._due = self.loop.time() + self._bounds.head_seconds
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        """Gather the target."""
        super().on_url(url)
        if len(self.url) > self._bounds.target_bytes:
            raise _RefusalError(
                HTTPStatus.REQUEST_URI_TOO_LONG, "too-long", "The target is too long."
            )

    def on_headers_complete(self) -> None:
        """Look at the head as a whole before anything is done with it."""
        size = sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._bounds.head_bytes or len(self.headers) > self._bounds.headers:
            raise _RefusalError(*_TOO_LONG)
        self._check_head()
        super().on_headers_complete()
        if self._ends or self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self._in_head = False
        self._moved_on = True
        self._due = self.loop.time() + self._bounds.body_seconds

    def on_message_complete(self) -> None:
        """The request is there as a whole: from now on the client waits, and not we."""
        super().on_message_complete()
        self._due = _NEVER
        self._in_head = self._moved_on = True

    def _check_head(self) -> None:
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        codings = [value.strip().lower() for n, value in self.headers if n == b"transfer-encoding"]
        if version not in ("1.0", "1.1"):
            raise _malformed("The version of HTTP must be 1.1.")
        if len(hosts) > 1 or (not hosts and version == "1.1"):
            raise _malformed("A request has one Host.")
        if hosts and not _HOST.fullmatch(hosts[0]):
            raise _malformed("The Host cannot be read.")
        if codings and (codings != [b"chunked"] or version == "1.0"):
            raise _malformed("The only coding of a request's body is chunked, in HTTP/1.1.")
        self._check_target(hosts[0] if hosts else b"")
        if self.parser.should_upgrade() and (
            codings or any(name == b"content-length" for name, _ in self.headers)
        ):
            raise _malformed("A request that asks for another protocol has no body.")

    def _check_target(self, host: bytes) -> None:
        if b"#" in self.url:
            raise _malformed("A target has no fragment.")
        if self.url.startswith(b"/") or self.url == b"*":
            return
        parsed: Any = httptools.parse_url(self.url)
        named = parsed.host + (b":%d" % parsed.port if parsed.port else b"")
        if parsed.userinfo is not None or not parsed.path or named.lower() != host.lower():
            raise _malformed("The target names another host.")

    # --- what the transport tells -------------------------------------------------------------

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered."""
        super().pause_writing()
        self._write_due = self.loop.time() + self._bounds.write_seconds

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._write_due = _NEVER

    # --- what the server tells ----------------------------------------------------------------

    def shutdown(self) -> None:
        """End after the request that is on its way, or after one that comes within a moment.

        Closed at once, a connection that is in use would break under the next request, of which
        the client could not tell whether it has been read. Its answer says that it is the last.
        """
        self._ends = True
        if self._answering:
            super().shutdown()
        else:
            self.loop.call_later(_LAST_SECONDS, self._end_if_unused)

    def _end_if_unused(self) -> None:
        if not self._answering and not self._head_bytes:
            self.transport.close()

    # --- refusing -----------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Answer as for any other problem; uvicorn's own answer is plain text."""
        self._refuse(HTTPStatus.BAD_REQUEST, "malformed", msg)

    def _refuse(self, status: HTTPStatus, reason: str, detail: str) -> None:
        """Say why, where no other answer is on its way, and close."""
        refusals[reason] += 1
        self._deaf = True
        answering = self._answering
        # What is answered already may still be sending the rest of its body.
        begun = self.cycle.response_started if answering else not self._in_head
        begun = begun or bool(self.pipeline)
        if not begun and not self.transport.is_closing():
            self.transport.write(_answer(status, detail))
            if answering:
                self.cycle.disconnected = True
        self.transport.close()


_TOO_LONG = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too-long", "The request's headers are too long.",
)  # fmt: skip


def _malformed(detail: str) -> _RefusalError:
    return _RefusalError(HTTPStatus.BAD_REQUEST, "malformed", detail)


def _answer(status: HTTPStatus, detail: str) -> bytes:
    kind = {400: "bad-request", 408: "too-slow", 503: "unavailable"}.get(status, "too-large")
    title = status.phrase
    problem = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    retry = b"retry-after: 1\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else b""
    return (
        STATUS_LINE[status]
        + b"content-type: " + PROBLEM_TYPE.encode() + b"\r\n"
        + b"content-length: %d\r\n" % len(body)
        + b"x-content-type-options: nosniff\r\ncache-control: no-store\r\n"
        + retry
        + b"connection: close\r\n\r\n"
        + body
    )  # fmt: skip
