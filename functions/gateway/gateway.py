"""The gateway: everything under /api, health, and the API's documentation."""

import base64
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shop.access import GUEST, Caller
from shop.declaration import Scope
from shop.errors import (
    BadGateway,
    DeadlinePassed,
    DependencyDown,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooManyRequests,
    Unauthenticated,
)
from shop.gateway.forward import Forwarded, request_body
from shop.gateway.headers import Header, protecting
from shop.gateway.parts import parts, prepare, routes
from shop.gateway.routes import DOCUMENT, Target
from shop.operation import Call, Reply, operation
from shop.services import Services

Page = Callable[[Call[None]], Awaitable[Reply | Response]]

_ERRORS = (
    NotFound, MethodNotAllowed, Unauthenticated, Forbidden, TooManyRequests, DependencyDown,
    BadGateway, DeadlinePassed,
)  # fmt: skip
_DOCS = Path(__file__).with_name("docs.html")


def _further_headers(services: Services, scope: Scope, headers: list[Header]) -> Iterable[Header]:
    """What the gateway puts on every answer."""
    gateway = parts(services)
    https = gateway.clients.scheme(Request(scope)) == "https"
    return (
        *protecting(headers, https=https),
        *gateway.cross_origin.headers(scope["headers"]),
        *scope.get("shop.limits", ()),
    )


@operation(
    "*",
    "/{path}",
    area="gateway",
    summary="Pass requests on to the functions",
    access="own",
    uses_database=False,
    uses_client=True,
    most_bytes=1_048_576,
    further_outcomes=lambda: routes().outcomes(),
    zeros=(
        ("gateway_errors", "type", tuple(problem.type for problem in _ERRORS)),
        ("gateway_limited_requests", "class", ("read", "write", "login")),
    ),
    prepare=prepare,
    further_headers=_further_headers,
)
async def gateway(call: Call[None]) -> Reply | Response:
    """Route, forward, and answer for what is not there or does not answer."""
    path = call.request.scope["path"]
    if (answer := _preflight(call, path)) is not None:
        return answer
    if path.startswith("/api/"):
        return await _forward(call, path)
    await _limit(call, path, GUEST)
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


async def _forward(call: Call[None], path: str) -> Response:
    services, request = call.services, call.request
    gateway = parts(services)
    target, caller = await _admit(call, path)
    query = request.scope["query_string"].decode("latin-1")
    sent = Forwarded(
        request,
        await request_body(request),  # Before anything is held: a client may be slow.
        gateway.upstreams.base(target.service) + target.path + (f"?{query}" if query else ""),
        request.scope["shop.request_id"],
        gateway.clients.address(request),
        gateway.clients.scheme(request),
        gateway.admission.identity(caller),
    )
    try:
        response = await gateway.gates.pass_on(services.client, target, sent)
    except DependencyDown as problem:
        gateway.upstreams.saw(target.service, up=False)
        services.telemetry.count("gateway_errors", 1, type=problem.type)
        raise
    gateway.upstreams.saw(target.service, up=True)
    return response


async def _admit(call: Call[None], path: str) -> tuple[Target, Caller]:
    """Where the request goes, and who sends it, once both may be and it is not one too many.

    What may not pass counts as well, by its address: paths and tokens can be guessed.
    """
    try:
        target = routes().find(call.request.method, path)
        call.route(target.route)
        caller = await parts(call.services).admission.caller(call.request, target.door)
    except Problem as problem:
        await _limit(call, path, GUEST)
        call.services.telemetry.count("gateway_errors", 1, type=problem.type)
        raise
    await _limit(call, path, caller)
    call.request.scope["shop.caller"] = caller
    return target, caller


async def _limit(call: Call[None], path: str, caller: Caller) -> None:
    """Count the request against the limit of its account or address."""
    gateway, request = parts(call.services), call.request
    if gateway.limits is None:
        return
    from shop.gateway.ratelimits import route_class

    kind = route_class(request.method, path)
    address = gateway.clients.address(request)
    try:
        headers = await gateway.limits.admit(kind, account=caller.account, address=address)
    except TooManyRequests as problem:
        call.services.telemetry.count("gateway_errors", 1, type=problem.type)
        raise
    request.scope["shop.limits"] = headers


def _preflight(call: Call[None], path: str) -> Reply | None:
    """The answer to a page of another origin that asks whether it may call."""
    if call.request.method != "OPTIONS":
        return None
    cross_origin = parts(call.services).cross_origin
    allowed = cross_origin.preflight(call.request.scope["headers"], routes().methods(path))
    return None if allowed is None else Reply(204, b"", allowed)


async def _health(call: Call[None]) -> Reply:
    gateway = parts(call.services)
    probe = call.request.query_params.get("probe") == "true"
    well, states = await gateway.upstreams.health(call.services.client, probe=probe)
    for name, state in states.items():
        state["breaker"] = gateway.gates.breaker(name).state
    document = {
        "status": "ok" if well else "degraded",
        "auth": "off" if call.services.trust is None else "on",
        "services": states,
    }
    return Reply.json(json.dumps(document), 200 if well else 503, Cache_Control="no-store")


async def _openapi(_: Call[None]) -> Reply:
    return Reply.json(DOCUMENT.read_bytes())


async def _docs(_: Call[None]) -> Reply:
    page, policy = _page()
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return Reply(200, page, headers)


@lru_cache(maxsize=1)
def _page() -> tuple[bytes, str]:
    """The page of documentation, and the policy that allows its own script and style alone."""
    page = _DOCS.read_bytes()
    script, style = (
        base64.b64encode(hashlib.sha256(found[1]).digest()).decode()
        for found in (
            re.search(rb"<script>(.*?)</script>", page, re.DOTALL),
            re.search(rb"<style>(.*?)</style>", page, re.DOTALL),
        )
        if found is not None
    )
    return page, (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


async def _root(_: Call[None]) -> Response:
    return RedirectResponse("/docs")
