"""What makes a coroutine a function of the shop.

`operation` declares an HTTP function, `event_handler` one that Knative Eventing calls. Either
parses and validates what comes in, hands the story a `Call`, and turns its `Reply` or its
`Problem` into an answer.
"""

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar
from uuid import UUID

import functions_framework.aio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shop import event_signatures, parsing
from shop.access import Caller, Role
from shop.declaration import Operation, PathValue, declare
from shop.errors import PROBLEM_TYPE, Internal, Problem
from shop.events import Received
from shop.paging import forwarded_prefix
from shop.services import Services

Body = TypeVar("Body")

_log = logging.getLogger(__name__)
_METHODS = {
    "GET": ("GET", "HEAD"),
    "*": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
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
    operation: Operation
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

    def decorate(story: Story) -> Handler:
        declared = declare(
            name=story.__name__,
            area=area,
            methods=_METHODS.get(method, (method,)),
            path=path,
            summary=summary,
            description=(story.__doc__ or "").strip(),
            **declaration,
        )

        async def answer(request: Request) -> Response:
            reply = await story(await _parse(request, declared))
            return reply if isinstance(reply, Response) else _response(reply)

        return _handler(story, answer)

    return decorate


def event_handler(
    *, area: str, summary: str, **declaration: Any
) -> Callable[[EventStory], Handler]:
    """Declare a coroutine as a function that Knative Eventing posts CloudEvents to.

    It answers 204 without a body once the story's effects are durable: a body that is no
    CloudEvent would make Knative take a handled event for a failed one. What the story
    returns goes into the request's log line. A Problem of the story is answered with its
    status; Knative retries 404, 408, 409, 429 and 5xx, and dead-letters the others at once.
    """

    def decorate(story: EventStory) -> Handler:
        declared = declare(
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

        async def answer(request: Request) -> Response:
            services: Services = request.scope["shop.services"]
            received = Received.from_http(request.headers, await request.body())
            request.scope["shop.note"].update(event_type=received.type, event_id=received.id)
            if declared.signed_events and services.trust is not None:
                event_signatures.require(services.trust.verifier, received)
            if note := await story(received, services):
                request.scope["shop.note"].update(note)
            return Response(status_code=204)

        return _handler(story, answer)

    return decorate


def _handler(story: Story | EventStory, answer: Handler) -> Handler:
    """What the framework serves under the story's name: its answer, or how it failed."""

    @functools.wraps(story)
    async def handler(request: Request) -> Response:
        try:
            return await answer(request)
        except Problem as problem:
            return _problem(problem)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets a bare 500
            _log.exception("%s failed", story.__name__)
            return _problem(Internal())

    functions_framework.aio.http(handler)  # Registers the signature by the name.
    return handler


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
