"""Serves each area, and the storefront, on a port of its own: `python -m local.area_fronts`.

8081 is the inventory without the gateway's prefix: its routes, the health of its functions and
the metrics of all of them in one exposition. 3000 is the storefront, with the gateway's paths
at the same origin.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
import uvloop
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from local import exposition, manifests, routes
from local.layout import HOST, ROOT, Layout, PlatformError
from local.manifests import Manifests
from local.plan import PATIENCE_SECONDS, Plan
from local.storefront import serve
from shop.client import PatientConnector
from shop.errors import PROBLEM_TYPE, DependencyDown, Problem

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=30.0)
_ASK_TIMEOUT = aiohttp.ClientTimeout(total=2.0)
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade", "host"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Front:
    """One area: what it routes to, and what it asks for health and metrics."""

    session: aiohttp.ClientSession
    table: routes.Table
    functions: dict[str, str]
    loops: dict[str, str]

    async def proxy(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on to the function that serves its path and method."""
        try:
            found = self.table.find(request.method, request.path)
        except Problem as problem:
            return _refusal(problem)
        return await pass_on(self.session, request, self.functions[found], found)

    async def health(self, _: web.Request) -> web.Response:
        """The state of each function of the area; 503 where one is down."""
        names = [*self.functions, *self.loops]
        asked = (self._is_ready(url) for url in (*self.functions.values(), *self.loops.values()))
        states = dict(zip(names, await asyncio.gather(*asked), strict=True))
        well = all(states.values())
        body = {
            "status": "ok" if well else "degraded",
            "services": {name: {"status": "up" if up else "down"} for name, up in states.items()},
        }
        return web.json_response(body, status=200 if well else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """The metrics of the area's functions and loops, merged, but for those that are down."""
        urls = self.functions | self.loops
        texts = await asyncio.gather(*(self._text(f"{url}/metrics") for url in urls.values()))
        merged = exposition.merge(
            {name: text for name, text in zip(urls, texts, strict=True) if text is not None}
        )
        return web.Response(
            body=merged.encode(),
            headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def _is_ready(self, url: str) -> bool:
        return await self._text(f"{url}/health/ready") is not None

    async def _text(self, url: str) -> str | None:
        try:
            async with self.session.get(url, timeout=_ASK_TIMEOUT) as response:
                return await response.text() if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None


async def pass_on(
    session: aiohttp.ClientSession, request: web.Request, base: str, name: str
) -> web.StreamResponse:
    """The answer of the process `name` at `base` to a request, streamed; 503 where it is down."""
    try:
        answer = await session.request(
            request.method,
            URL(base + request.raw_path, encoded=True),
            headers=_passed_on(request.headers),
            data=_body(request) if request.can_read_body else None,
            allow_redirects=False,
        )
    except aiohttp.ClientConnectionError:
        return _refusal(DependencyDown(f"{name} does not answer."))
    async with answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        response.headers.extend(_passed_on(answer.headers))
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def _alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in _HOP_BY_HOP:
        kept.popall(name, None)
    return kept


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_any():
        yield chunk


def _refusal(problem: Problem) -> web.Response:
    headers = {**problem.headers, "Content-Type": PROBLEM_TYPE}
    return web.Response(body=problem.body(), status=problem.status, headers=headers)


def fronts(
    described: Manifests, layout: Layout, session: aiohttp.ClientSession
) -> dict[str, Front]:
    """A front for each area that has a port."""
    plan = Plan(described, layout, dict.fromkeys(described.areas, ""))
    loops = layout.loop_ports([each.name for each in described.loops])
    openapi = ROOT / "functions" / "gateway" / "openapi.json"
    return {
        area: Front(
            session,
            routes.Table.of_area(openapi, area),
            {f.name: plan.address(f.name) for f in described.functions if f.area == area},
            {
                each.name: f"http://{HOST}:{loops[each.name]}"
                for each in described.loops
                if each.area == area
            },
        )
        for area in layout.areas
    }


async def run(layout: Layout) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connector = PatientConnector(float(PATIENCE_SECONDS), limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=_TIMEOUT, auto_decompress=False
    ) as session:
        runners = [await _serve(_storefront(layout, session), layout.storefront)]
        for area, front in fronts(manifests.read(ROOT), layout, session).items():
            app = web.Application(client_max_size=0)
            app.router.add_get("/health", front.health)
            app.router.add_get("/health/ready", _alive)
            app.router.add_get("/health/live", _alive)
            app.router.add_get("/metrics", front.metrics)
            app.router.add_route("*", "/{path:.*}", front.proxy)
            runners.append(await _serve(app, layout.areas[area]))
        await stop.wait()
        await asyncio.gather(*(runner.cleanup() for runner in runners))


def _storefront(layout: Layout, session: aiohttp.ClientSession) -> web.Application:
    gateway = f"http://{HOST}:{layout.gateway}"

    async def to_gateway(request: web.Request) -> web.StreamResponse:
        return await pass_on(session, request, gateway, "gateway")

    return serve.application(to_gateway)


async def _serve(app: web.Application, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    return runner


def main() -> int:
    """Run until SIGTERM."""
    try:
        uvloop.run(run(Layout.from_environment()))
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
