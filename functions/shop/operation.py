"""What makes a coroutine a function of the shop.

`operation` declares an HTTP function, `event_handler` one that Knative Eventing calls. Either
parses and validates what comes in, hands the story a `Call`, and turns its `Reply` or its
`Problem` into an answer. The declaration is also what the edge routes by and what the
OpenAPI document is generated from.
"""

import functools
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar
from uuid import UUID

import functions_framework.aio
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shop import event_signatures, parsing
from shop.access import Access, Caller, Role
from shop.errors import (
    PROBLEM_TYPE,
    Internal,
    MethodNotAllowed,
    NotFound,
    Problem,
)
from shop.events import Received
from shop.paging import forwarded_prefix
from shop.services import Services

Body = TypeVar("Body")
PathValue = int | UUID
# What a request may be counted as: method, route, status.
Outcome = tuple[str, str, int]
Scope = MutableMapping[str, Any]
Header = tuple[bytes, bytes]

_log = logging.getLogger(__name__)
_MOST_ID = 2**63 - 1
_METHODS = {
    "GET": ("GET", "HEAD"),
    "*": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
}
_PARAMETERS = {
    "id": r"[1-9][0-9]{0,18}",
    "uuid": r"[0-9a-fA-F-]{36}",
    # But for what the framework would answer itself, in plain text.
    "path": r"(?!(?:robots\.txt|favicon\.ico)$)[^\n]*",
}


@dataclass(slots=True)
class Reply:
    """A function's answer: a status, a body of JSON (or nothing) and further headers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, document: str | bytes, status: int = 200, **headers: str) -> "Reply":
        """An answer with a document that is JSON already; `headers` as `Last_Modified="…"`."""
        body = document if isinstance(document, bytes) else document.encode()
        return cls(status, body, {name.replace("_", "-"): text for name, text in headers.items()})

    @classmethod
    def array(cls, documents: list[str], headers: Mapping[str, str]) -> "Reply":
        """An answer with an array of documents that are JSON already."""
        return cls(200, f"[{','.join(documents)}]".encode(), headers)


class Ownership(TypedDict):
    """An account, and whether it may see what is another's."""

    account: str
    everybodys: bool


@dataclass(slots=True)
class Call(Generic[Body]):
    """One request, parsed and valid: what a story gets."""

    request: Request
    services: Services
    operation: "Operation"
    path: Mapping[str, PathValue]
    body: Body
    query: Any = None
    key: parsing.IdempotencyKey | None = None

    @property
    def id(self) -> int:
        """The `{id}` of the path."""
        return self.path["id"]  # type: ignore[return-value]

    @property
    def uuid(self) -> UUID:
        """The `{uuid}` of the path."""
        return self.path["uuid"]  # type: ignore[return-value]

    @property
    def account(self) -> str:
        """The account that calls; empty for a guest."""
        caller: Caller = self.request.scope["shop.caller"]
        return caller.account

    @property
    def role(self) -> Role:
        """What the caller may; where authentication is off, as much as an admin."""
        caller: Caller = self.request.scope["shop.caller"]
        return caller.role

    @property
    def ownership(self) -> Ownership:
        """Whose things the caller may see, as the statements on them ask for it."""
        return {"account": self.account, "everybodys": self.role == "admin"}

    def url(self, path: str) -> str:
        """The path as the client sees it: behind the gateway, under its prefix."""
        return forwarded_prefix(self.request.headers) + path

    def route(self, template: str) -> None:
        """Name the route in telemetry, where one function answers several."""
        self.request.scope["shop.route"] = template

    def note(self, **members: Any) -> None:
        """Add members to the request's line in the log."""
        self.request.scope["shop.note"].update(members)


Story = Callable[[Call[Any]], Awaitable[Reply | Response]]
EventStory = Callable[[Received, Services], Awaitable[Mapping[str, Any] | None]]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """The declaration of a function."""

    name: str
    area: str
    methods: tuple[str, ...]
    path: str
    summary: str
    # Who may call it; where nobody is named, nobody may. `callers` are the parts of the shop that
    # an operation of the system knows.
    access: Access | None = None
    callers: tuple[str, ...] = ()
    description: str = ""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    answer: Any = None
    errors: tuple[type[Problem], ...] = ()
    keyed: bool = False
    conditions: tuple[str, ...] = ()
    conditional: bool = False
    cluster_local: bool = False
    receives_events: bool = False
    # Whether it refuses events that their source has not signed, where authentication is on.
    signed_events: bool = False
    uses_database: bool = True
    uses_client: bool = False
    calls: tuple[str, ...] = ()
    # An empty body is taken for an empty object.
    body_optional: bool = False
    # Makes what the first request would have to wait for; SettingError where that cannot be.
    prepare: Callable[[Services], object] | None = None
    most_bytes: int = 65_536
    # Where it answers for several routes, how their requests may end.
    further_outcomes: Callable[[], Iterable[Outcome]] = tuple
    # What is shown from the start on: counter or histogram, its label, and the label's values.
    zeros: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    # The headers that every answer gets, to a request's scope and the answer's own headers.
    further_headers: Callable[[Services, Scope, list[Header]], Iterable[Header]] | None = None
    pattern: re.Pattern[str] = field(default_factory=lambda: re.compile(""))

    def outcomes(self) -> Iterator[Outcome]:
        """How its requests are declared to end; more may happen, and is counted as well."""
        if "{path}" not in self.path:
            statuses = {self.status, 500, 503, *(problem.status for problem in self.errors)}
            if self.conditional:
                statuses.add(304)
            for status in sorted(statuses):
                yield self.methods[0], self.path, status
        yield from self.further_outcomes()

    def match(self, path: str) -> dict[str, PathValue] | None:
        """The parameters of a request's path, or None where it is not this operation's."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values: dict[str, PathValue] = {}
        for name, text in found.groupdict().items():
            if name == "id":
                values[name] = int(text)
                if values[name] > _MOST_ID:  # type: ignore[operator]
                    return None
            elif name == "uuid":
                try:
                    values[name] = UUID(text)
                except ValueError:
                    return None
        return values

    def admit(self, method: str, path: str) -> dict[str, PathValue]:
        """The path's parameters.

        Raises:
            NotFound: the path is another one.
            MethodNotAllowed: the path is right and the method is not.
        """
        values = self.match(path)
        if values is None:
            raise NotFound(f"There is nothing at {path[:200]}.")
        if method not in self.methods:
            raise MethodNotAllowed(self.methods)
        return values


REGISTRY: dict[str, Operation] = {}


def _declare(**members: Any) -> Operation:
    template: str = members["path"]
    pattern = re.sub(
        r"\\\{(\w+)\\\}", lambda m: f"(?P<{m[1]}>{_PARAMETERS[m[1]]})", re.escape(template)
    )
    declared = Operation(pattern=re.compile(pattern, re.DOTALL), **members)
    REGISTRY[declared.name] = declared
    return declared


def operation(
    method: str,
    path: str,
    *,
    area: str,
    summary: str,
    **declaration: Any,
) -> Callable[[Story], Handler]:
    """Declare a coroutine as the function that answers `method` at `path`.

    `declaration` are further members of `Operation`. GET answers HEAD too; `*` is any method.
    """

    def declare(story: Story) -> Handler:
        declared = _declare(
            name=story.__name__,
            area=area,
            methods=_METHODS.get(method, (method,)),
            path=path,
            summary=summary,
            description=(story.__doc__ or "").strip(),
            **declaration,
        )

        @functools.wraps(story)
        async def handler(request: Request) -> Response:
            try:
                reply = await story(await _parse(request, declared))
            except Problem as problem:
                return _problem(problem)
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception:  # noqa: BLE001 - whatever it is, the client gets a bare 500
                _log.exception("%s failed", declared.name)
                return _problem(Internal())
            return reply if isinstance(reply, Response) else _response(reply)

        functions_framework.aio.http(handler)  # Registers the signature by the name.
        return handler

    return declare


def event_handler(
    *, area: str, summary: str, **declaration: Any
) -> Callable[[EventStory], Handler]:
    """Declare a coroutine as a function that Knative Eventing posts CloudEvents to.

    It answers 204 without a body once the story's effects are durable: a body that is no
    CloudEvent would make Knative take a handled event for a failed one. What the story
    returns goes into the request's log line. A Problem of the story is answered with its
    status; Knative retries 404, 408, 409, 429 and 5xx, and dead-letters the others at once.
    """

    def declare(story: EventStory) -> Handler:
        declared = _declare(
            name=story.__name__,
            area=area,
            methods=("POST",),
            path="/",
            summary=summary,
            description=(story.__doc__ or "").strip(),
            status=204,
            access="own",
            cluster_local=True,
            receives_events=True,
            most_bytes=1_048_576,
            **declaration,
        )

        @functools.wraps(story)
        async def handler(request: Request) -> Response:
            services: Services = request.scope["shop.services"]
            try:
                received = Received.from_http(request.headers, await request.body())
                request.scope["shop.note"].update(event_type=received.type, event_id=received.id)
                if declared.signed_events and services.trust is not None:
                    event_signatures.require(services.trust.verifier, received)
                note = await story(received, services)
            except Problem as problem:
                return _problem(problem)
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception:  # noqa: BLE001 - whatever it is, the client gets a bare 500
                _log.exception("%s failed", declared.name)
                return _problem(Internal())
            if note:
                request.scope["shop.note"].update(note)
            return Response(status_code=204)

        functions_framework.aio.http(handler)  # Registers the signature by the name.
        return handler

    return declare


async def _parse(request: Request, declared: Operation) -> Call[Any]:
    scope = request.scope
    call: Call[Any] = Call(request, scope["shop.services"], declared, scope["shop.path"], body=None)
    if declared.query is not None:
        call.query = parsing.query(declared.query, scope["query_string"])
    if declared.body is not None:
        content_type = request.headers.get("content-type")
        body = await request.body()
        if declared.body_optional and not body:
            content_type, body = None, b"{}"
        document = parsing.json_document(content_type, body)
        call.body = parsing.validate(declared.body, document)
        if declared.keyed:
            call.key = _key(call, document)
    elif declared.keyed:
        call.key = _key(call, None)
    return call


def _key(call: Call[Any], document: Any) -> parsing.IdempotencyKey | None:
    request = call.request
    return parsing.idempotency_key(
        request.headers, call.account, call.operation.name, request.scope["path"], document
    )


def _response(reply: Reply) -> Response:
    headers = dict(reply.headers)
    if reply.body and "Content-Type" not in headers:
        headers["Content-Type"] = "application/json"
    return Response(reply.body, reply.status, headers)


def _problem(problem: Problem) -> Response:
    return Response(problem.body(), problem.status, problem.headers, PROBLEM_TYPE)


__all__ = [
    "REGISTRY",
    "Call",
    "Operation",
    "Reply",
    "event_handler",
    "operation",
]
