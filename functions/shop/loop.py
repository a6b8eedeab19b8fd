"""A process that works by itself: turns of a loop, health and metrics by HTTP, graceful signals.

The relay and the courier are such loops. Liveness follows the turns, so that a loop that hangs
is restarted; readiness follows neither the database nor Kafka.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import ClassVar

from shop import exporting, logs
from shop.settings import Settings

# A turn waits for PostgreSQL and Kafka for at most 30 s together; one that takes twice that hangs.
_MOST_SECONDS_PER_TURN = 60.0

_log = logging.getLogger(__name__)


class Loop:
    """The shell of such a process, named as its Deployment is."""

    def __init__(self, name: str, area: str, settings: Settings) -> None:
        logs.configure(name, settings.text("LOG_LEVEL", "info"))
        self.name = name
        self.stopping = threading.Event()
        self.telemetry = exporting.configure(
            settings, function=name, area=area, totals_of_a_database=True
        )
        self._address = (
            settings.text("HOST", "0.0.0.0"),  # noqa: S104 - a container serves its pod's address
            settings.integer("PORT", 8080, most=65_535),
        )
        self._turned = time.monotonic()
        self._failed = False

    @property
    def alive(self) -> bool:
        """Whether the loop has turned lately."""
        return time.monotonic() - self._turned < _MOST_SECONDS_PER_TURN

    def run(self, turn: Callable[[], float]) -> int:
        """Call `turn` until SIGTERM or SIGINT; it answers how many seconds to wait.

        Returns the exit status: 0, or 1 where a thread beside the loop failed.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        threading.excepthook = self._fail
        server = self._serve()
        _log.info("%s started", self.name)
        try:
            while not self.stopping.is_set():
                self._turned = time.monotonic()
                self.stopping.wait(turn())
        finally:
            server.shutdown()
            server.server_close()
        return 1 if self._failed else 0

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        _log.info("%s ends on %s", self.name, signal.Signals(number).name)
        self.stopping.set()

    def _fail(self, failure: threading.ExceptHookArgs) -> None:
        """A thread beside the loop died of a defect: better to start afresh than to limp."""
        name = failure.thread.name if failure.thread else "thread"
        _log.critical("%s failed in its thread %s", self.name, name, exc_info=failure.exc_value)
        self._failed = True
        self.stopping.set()

    def _serve(self) -> ThreadingHTTPServer:
        loop = self

        class Handler(_Handler):
            pages: ClassVar = {
                "/health/live": lambda: _health(good=loop.alive),
                "/health/ready": lambda: _health(good=True),
            }

        if self.telemetry.serves_metrics:
            Handler.pages["/metrics"] = lambda: (
                HTTPStatus.OK,
                "text/plain; version=0.0.4; charset=utf-8",
                self.telemetry.exposition(),
            )
        server = ThreadingHTTPServer(self._address, Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
        return server


Page = tuple[HTTPStatus, str, bytes]


def _health(*, good: bool) -> Page:
    if good:
        return HTTPStatus.OK, "application/json", b'{"status":"ok"}'
    return HTTPStatus.SERVICE_UNAVAILABLE, "application/json", b'{"status":"down"}'


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of the pages it has."""

    pages: ClassVar[dict[str, Callable[[], Page]]] = {}
    timeout = 5

    def do_GET(self) -> None:
        """Answer with the page."""
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            status, kind, body = HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"Not found\n"
        else:
            status, kind, body = page()
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the base's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Health checks and scrapes are not worth a line."""
