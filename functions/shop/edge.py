"""The ASGI edge around every function.

functions_framework.aio has no lifespan, answers 404, 405 and 500 in plain text and limits no
body. The edge adds these, and what every function owes its operators: health, metrics, a
trace, a line in the log.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from shop import birth, deadlines, tracing
from shop.access import ANYBODY, GUEST, Caller, check
from shop.declaration import Operation
from shop.errors import PROBLEM_TYPE, BadRequest, DependencyDown, Problem, TooLarge
from shop.events import short_name
from shop.instruments import AREA_PREFIX
from shop.logs import RequestLog
from shop.own_headers import own_headers
from shop.services import Services
from shop.telemetry import Telemetry

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from shop.spans import Spans
    from shop.trust import Callers

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)
_UNMATCHED = "unmatched"
_KNOWN_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Edge:
    """Wraps the framework's application of one function.

    `start` builds the process's services inside the serving loop, `stop` ends them.
    """

    def __init__(
        self,
        app: App,
        operation: Operation,
        *,
        start: Callable[[], Awaitable[Services]],
        stop: Callable[[Services], Awaitable[None]],
        log: RequestLog,
    ) -> None:
        self._app = app
        self._operation = operation
        self._start = start
        self._stop = stop
        self._log = log
        self._services: Services | None = None
        self._spans: Spans | None = None
        self._callers: Callers | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            path = scope["path"]
            if path.startswith(("/health/", "/metrics")) and await self._own(path, send):
                return
            await self._serve(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._services = await self._start()
        except Exception as error:  # noqa: BLE001 - any reason not to start is told to uvicorn
            _log.exception("the function cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        prefix = AREA_PREFIX[self._operation.area]
        telemetry = self._services.telemetry
        requests = telemetry.tally(f"{prefix}_http_requests")
        for method, route, status in self._operation.outcomes():
            requests.begin(self._operation.name, method, route, str(status))
        for name, label, values in self._operation.zeros:
            for value in values:
                telemetry.begin_at_zero(name, **{label: value})
        self._count = requests.add
        durations = telemetry.distribution(f"{prefix}_http_request_duration")
        for method, route, _ in self._operation.outcomes():
            labels = {"function": self._operation.name, "method": method, "route": route}
            durations.begin(labels)
        self._record = durations.record
        self._spans = telemetry.spans
        self._callers = self._services.trust.callers if self._services.trust else None
        self._tell_start(telemetry)
        telemetry.begin()
        telemetry.count("function_starts", 1, function=self._operation.name)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop(self._services)
        self._services = None
        await send({"type": "lifespan.shutdown.complete"})

    def _tell_start(self, telemetry: Telemetry) -> None:
        """Show when the process began, and how long it took to serve."""
        labels = {"function": self._operation.name}
        telemetry.begin_at_zero("function_starts", **labels)
        began = birth.began()
        taken = time.time() - began
        telemetry.observe("function_start_time", lambda: [(began, labels)])
        telemetry.observe("function_start_duration", lambda: [(taken, labels)])

    async def _own(self, path: str, send: Send) -> bool:
        """Answer what operators ask of every function; False where it is no such path."""
        services = self._services
        if path in ("/health/live", "/health/ready"):
            status, body = (200, b'{"status":"ok"}') if services else (503, b'{"status":"down"}')
            await _answer(send, status, body, b"application/json")
            return True
        if path == "/metrics" and services is not None and services.telemetry.serves_metrics:
            body = services.telemetry.exposition()
            await _answer(send, 200, body, b"text/plain; version=0.0.4; charset=utf-8")
            return True
        return False

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        method: str = scope["method"]
        path: str = scope["path"]
        own = own_headers(scope["headers"])
        traceparent, request_id, length = own.traceparent, own.request_id, own.length
        # No client sets the gateway's.
        deadlines.enter(None if self._operation.area == "gateway" else own.due)
        span, trace = self._span(traceparent, method)
        request_id = request_id or trace.span_id
        note: dict[str, Any] = {}
        route = _UNMATCHED
        status = 500
        answered = False

        async def answer(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                answered = True
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", request_id.encode("latin-1"))]
                if (further := self._operation.further_headers) and self._services:
                    headers += further(self._services, scope, headers)
                message["headers"] = headers
            await send(message)

        try:
            scope["shop.path"] = self._operation.admit(method, path)
            route = self._operation.path
            scope["shop.caller"] = self._caller(own.identity)
            scope["shop.services"] = self._services
            scope["shop.note"] = note
            scope["shop.request_id"] = request_id
            # The framework makes an id of its own, at 6 µs, where this header is missing.
            scope["headers"].append((b"function-execution-id", request_id.encode("latin-1")))
            async with deadlines.kept():
                await self._app(scope, self._bounded(receive, length), answer)
            route = scope.get("shop.route", route)
        except Problem as problem:
            if answered:
                raise
            await _answer_problem(answer, problem)
        except asyncio.CancelledError:
            # The process ends and has waited long enough. uvicorn would answer 500, which says
            # that there is no point in trying again.
            if answered:
                raise
            await _answer_problem(answer, DependencyDown("The service is being restarted."))
        finally:
            seconds = time.perf_counter() - began
            self._measure(method, route, status, seconds)
            if span is not None:
                self._end(span, method, route, status, note)
            self._log.write(
                method=method,
                path=path,
                route=route,
                status=status,
                seconds=seconds,
                request_id=request_id,
                trace_id=trace.trace_id,
                extra=note,
            )

    def _caller(self, identity: str | None) -> Caller:
        """Who calls, once it is known that he may."""
        if self._callers is None:
            return ANYBODY
        operation = self._operation
        if operation.access == "own":
            return GUEST
        caller = self._callers.of(identity)
        check(caller, operation.access, operation.callers)
        return caller

    def _bounded(self, receive: Receive, length: bytes | None) -> Receive:
        """The receive channel, failing with TooLarge once the body exceeds its bound."""
        most = self._operation.most_bytes
        if length is not None:
            if not length.isdigit():
                raise BadRequest("The Content-Length is not a number.")
            if int(length) > most:
                raise TooLarge(f"A body has at most {most} bytes here.")
            return receive
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLarge(f"A body has at most {most} bytes here.")
            return message

        return bounded

    def _span(self, header: str | None, method: str) -> "tuple[Span | None, tracing.Trace]":
        if self._spans is None:
            return None, tracing.enter(header)
        return self._spans.serve(header, f"{method} {self._operation.path}")

    def _end(
        self, span: "Span", method: str, route: str, status: int, note: dict[str, Any]
    ) -> None:
        from shop.spans import ended

        told = {"http.request.method": method, "http.route": route}
        name = f"{method} {route}"
        if "event_type" in note:
            name = f"handle {short_name(note['event_type'])}"
            told["messaging.message.id"] = note["event_id"]
        if "order_id" in note:
            told["shop.order_id"] = str(note["order_id"])
        ended(span, name, {**told, "http.response.status_code": status}, failed=status >= 500)

    def _measure(self, method: str, route: str, status: int, seconds: float) -> None:
        function = self._operation.name
        method = method if method in _KNOWN_METHODS else "other"
        self._record(seconds, {"function": function, "method": method, "route": route})
        self._count(function, method, route, str(status))


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer_problem(send: Send, problem: Problem) -> None:
    body = problem.body()
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
