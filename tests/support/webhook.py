"""A service on this machine that notifications are sent to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.layout import HOST


class Webhook:
    """Takes JSON, remembers it, and answers as `answer` says of the number of the request."""

    def __init__(self, port: int) -> None:
        self.address = f"json://{HOST}:{port}"
        self.taken: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[int], int] = lambda _: 200
        self.seconds = 0.0

    @property
    def messages(self) -> list[str]:
        """The messages taken, in their order."""
        return [each["message"] for each in self.taken]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A webhook that serves until the end of the block."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                hook.taken.append(document)
                hook.headers.append({k.lower(): v for k, v in self.headers.items()})
                status = hook.answer(len(hook.taken))
            time.sleep(hook.seconds)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    hook = Webhook(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
