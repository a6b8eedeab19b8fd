"""The gateway: everything under /api, health, and the API's documentation."""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from starlette.responses import RedirectResponse, Response

from shop.errors import (
    BadGateway,
    DeadlinePassed,
    DependencyDown,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unauthenticated,
)
from shop.gateway.admission import Admission
from shop.gateway.forward import forward
from shop.gateway.routes import DOCUMENT, Routes
from shop.gateway.upstreams import Upstreams
from shop.operation import Call, Reply, operation
from shop.services import Services

Page = Callable[[Call[None]], Awaitable[Reply | Response]]

_ERRORS = (
    NotFound, MethodNotAllowed, Unauthenticated, Forbidden, DependencyDown, BadGateway,
    DeadlinePassed,
)  # fmt: skip
_DOCS = Path(__file__).with_name("docs.html")


def _prepare(services: Services) -> None:
    admission(services)


@operation(
    "*",
    "/{path}",
    area="gateway",
    summary="Pass requests on to the functions",
    access="own",
    uses_database=False,
    uses_client=True,
    most_bytes=1_048_576,
    prepare=_prepare,
    further_outcomes=lambda: Routes.load().outcomes(),
    zeros=(("gateway_errors", "type", tuple(problem.type for problem in _ERRORS)),),
)
async def gateway(call: Call[None]) -> Reply | Response:
    """Route, forward, and answer for what is not there or does not answer."""
    path = call.request.scope["path"]
    if path.startswith("/api/"):
        return await _forward(call, path)
    own: dict[str, Page] = {
        "/health": _health,
        "/openapi.json": _openapi,
        "/docs": _docs,
        "/": _root,
    }
    if path not in own:
        routes().find(call.request.method, path)  # Says what is wrong, as for any other path.
    if call.request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(("GET", "HEAD"))
    call.route(path)
    return await own[path](call)


@lru_cache(maxsize=1)
def routes() -> Routes:
    """The table of routes, read once a process."""
    return Routes.load()


@lru_cache(maxsize=1)
def upstreams(services: Services) -> Upstreams:
    """The services' addresses and what was seen of them, of this process."""
    return Upstreams(services.settings, routes().services)


@lru_cache(maxsize=1)
def admission(services: Services) -> Admission:
    """Who may pass, in this process."""
    return Admission(services, upstreams(services))


async def _forward(call: Call[None], path: str) -> Response:
    services = call.services
    try:
        target = routes().find(call.request.method, path)
        call.route(target.route)
        caller = await admission(services).caller(call.request, target.door)
    except Problem as problem:
        services.telemetry.count("gateway_errors", 1, type=problem.type)
        raise
    call.request.scope["shop.caller"] = caller
    known = upstreams(services)
    query = call.request.scope["query_string"].decode("latin-1")
    url = known.base(target.service) + target.path + (f"?{query}" if query else "")
    try:
        response = await forward(
            call.request,
            services.client,
            url,
            request_id=call.request.scope["shop.request_id"],
            identity=admission(services).identity(caller),
            seconds=services.settings.seconds("GATEWAY_DEADLINE_SECONDS", 10.0),
        )
    except (DependencyDown, BadGateway, DeadlinePassed) as problem:
        known.saw(target.service, up=False)
        services.telemetry.count("gateway_errors", 1, type=problem.type)
        raise
    known.saw(target.service, up=True)
    return response


async def _health(call: Call[None]) -> Reply:
    probe = call.request.query_params.get("probe") == "true"
    known = upstreams(call.services)
    well, states = await known.health(call.services.client, probe=probe)
    document = {
        "status": "ok" if well else "degraded",
        "auth": "off" if call.services.trust is None else "on",
        "services": states,
    }
    return Reply.json(json.dumps(document), 200 if well else 503, Cache_Control="no-store")


async def _openapi(_: Call[None]) -> Reply:
    return Reply.json(DOCUMENT.read_bytes())


async def _docs(_: Call[None]) -> Reply:
    return Reply(200, _DOCS.read_bytes(), {"Content-Type": "text/html; charset=utf-8"})


async def _root(_: Call[None]) -> Response:
    return RedirectResponse("/docs")
