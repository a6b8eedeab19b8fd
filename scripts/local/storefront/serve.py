"""Serves the storefront's build, and the gateway's paths beside it, at one origin."""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path, PurePosixPath

from aiohttp import hdrs, web

from local.layout import ROOT

DIST = ROOT / "frontend" / "dist"
_HEADERS = ROOT / "frontend" / "headers.json"
# What the browser asks the gateway for; the rest is the storefront's.
_GATEWAY = ("/api/", "/health", "/openapi.json", "/docs")
_FOREVER = "public, max-age=31536000, immutable"
_PICTURES = "public, max-age=86400"
_ASK_AGAIN = "no-cache"
_NOT_BUILT = (
    "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=3><title>ShopHub</title>"
    "<p>The storefront is being built; this page looks again in a moment. "
    "If it stays, <code>scripts/task frontend:build</code> says why."
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(to_gateway: Handler, dist: Path = DIST) -> web.Application:
    """The storefront as one application; `to_gateway` passes a request on and returns its answer.

    The build is looked up at each request: it may be replaced while this runs.
    """

    async def static(request: web.Request) -> web.StreamResponse:
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            raise web.HTTPMethodNotAllowed(request.method, ("GET", "HEAD"))
        file, caching = find(dist, request.path)
        if file is None and not (dist / "index.html").is_file():
            return web.Response(
                status=503, text=_NOT_BUILT, content_type="text/html", headers={"Retry-After": "3"}
            )
        if file is None:
            return web.Response(status=404, text="There is nothing here.\n", headers=headers())
        return web.FileResponse(file, headers=headers() | {"Cache-Control": caching})

    async def any_path(request: web.Request) -> web.StreamResponse:
        path = request.path
        ours = not any(path == p.rstrip("/") or path.startswith(p) for p in _GATEWAY)
        return await (static(request) if ours else to_gateway(request))

    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", any_path)
    return app


def find(dist: Path, path: str) -> tuple[Path | None, str]:
    """The file that answers a path, and how long it may be kept; None where there is none.

    A path without a file's name is a page of the storefront, which finds out itself what it shows.
    """
    named = PurePosixPath(path)
    if ".." in named.parts or "\0" in path:
        return None, ""
    file = dist.joinpath(*named.parts[1:])
    if file.is_file():
        return file, _caching(named)
    index = dist / "index.html"
    if named.suffix or not index.is_file():
        return None, ""
    return index, _ASK_AGAIN


def _caching(path: PurePosixPath) -> str:
    folder = path.parts[1]
    if folder == "assets":  # Their names hold a digest of their content.
        return _FOREVER
    return _PICTURES if folder == "pictures" else _ASK_AGAIN


@lru_cache(maxsize=1)
def headers() -> dict[str, str]:
    """What protects a page, on every answer; nginx sends the same in a cluster."""
    loaded: dict[str, str] = json.loads(_HEADERS.read_text())
    return loaded
