"""Serve one function: `FUNCTION_TARGET=create_order python -m shop.serve`."""

import asyncio
import functools
import gc
import logging
import signal
import sys
from pathlib import Path

import uvicorn
import uvloop
from functions_framework.aio import create_asgi_app

from shop import exporting, logs, trust
from shop.declaration import REGISTRY, Operation
from shop.edge import Edge
from shop.guarding import Bounds, GuardedProtocol
from shop.instruments import AREA_PREFIX
from shop.services import Services
from shop.settings import SettingError, Settings
from shop.straight import straight_to
from shop.telemetry import Labels, Telemetry, Write

_DRAIN_SECONDS = 7
_FUNCTIONS = Path(__file__).resolve().parent.parent


def build(settings: Settings) -> Edge:
    """The function that the settings name, inside its edge."""
    target = settings.text("FUNCTION_TARGET")
    logs.configure(target, settings.text("LOG_LEVEL", "info"))
    source = str(_FUNCTIONS / settings.text("FUNCTION_SOURCE"))
    app = straight_to(create_asgi_app(target, source))  # type: ignore[no-untyped-call]
    operation = REGISTRY[target]

    async def start() -> Services:
        return await _start(settings, operation)

    log = logs.RequestLog(target, enabled=logging.getLogger().isEnabledFor(logging.INFO))
    return Edge(app, operation, start=start, stop=_stop, log=log)


async def _start(settings: Settings, operation: Operation) -> Services:
    measured = exporting.configure(settings, function=operation.name, area=operation.area)
    services = Services(settings, measured, operation.name)
    services.trust = trust.configure(settings, calls=operation.uses_client or bool(operation.calls))
    if operation.prepare is not None:
        operation.prepare(services)  # Before there is a pool, whose end a failure would wait for.
    if operation.uses_database:
        from shop.database import Database

        prefix = AREA_PREFIX[operation.area]
        services.database_or_none = Database(
            settings.text("DATABASE_URL"),
            function=operation.name,
            record=_recorded(measured, measured.histogram(f"{prefix}_db_query_duration")),
            most_connections=settings.integer("DATABASE_POOL_SIZE", 8, least=1, most=100),
        )
        await services.database_or_none.open()
    if operation.uses_client or operation.calls:
        from shop.client import Client

        identities = services.trust.identities if services.trust else None
        services.client_or_none = Client(settings, measured, operation.calls, identities)
    gc.collect()
    gc.freeze()  # What start-up has made stays; the collector need not walk it again.
    gc.set_threshold(20_000, 20, 20)  # A request leaves no cycles behind: look for them rarely.
    return services


def _recorded(measured: Telemetry, record: Write) -> Write:
    """A statement's duration in the histogram and, where its trace is recorded, as a span."""
    spans = measured.spans
    if spans is None:
        return record

    def both(seconds: float, labels: Labels) -> None:
        record(seconds, labels)
        spans.statement(labels["statement"], seconds)

    return both


async def _stop(services: Services) -> None:
    if services.client_or_none is not None:
        await services.client_or_none.close()
    if services.database_or_none is not None:
        await services.database_or_none.close()
    await asyncio.to_thread(services.telemetry.shutdown)


def configured(edge: Edge, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves a function."""
    return uvicorn.Config(
        edge,
        host=settings.text("HOST", "0.0.0.0"),  # noqa: S104 - a container serves its pod's address
        port=settings.integer("PORT", 8080, most=65_535),
        loop="none",
        http=functools.partial(GuardedProtocol, bounds=Bounds.of(settings)),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


def main() -> int:
    """Serve until SIGTERM or SIGINT, finish what runs, flush, and return the exit status."""
    settings = Settings()
    try:
        edge = build(settings)
        config = configured(edge, settings)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn drains on the signal and raises it once more when it is done; by then the
        # function has ended as it should.
        signal.signal(number, lambda *_: None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
