"""Runs every KafkaSource and PingSource of the manifests: `python -m local.events`."""

import asyncio
import gc
import json
import logging
import signal
import sys
import threading

import aiohttp
import uvloop
from aiohttp import web
from opentelemetry.sdk.resources import Resource
from prometheus_client import disable_created_metrics, generate_latest

from local import manifests
from local.events import meters, schedule
from local.events.dead_letters import DeadLetterWriter
from local.events.delivery import Sink
from local.events.feed import Feed
from local.layout import HOST, ROOT, Layout, PlatformError
from local.manifests import Delivery
from local.plan import Plan
from shop.exporting import tracing_of
from shop.settings import Settings

_LOG = logging.getLogger(__name__)
_NAME = "event-sources"
_FINISH_SECONDS = 6.0
# What the sender of PingSource does when nothing else is said.
_PING_DELIVERY = Delivery(
    retry=5, exponential=True, delay=0.05, timeout=30.0, dead_letter_topic=None
)


async def run(layout: Layout) -> bool:
    """Feed every sink until SIGTERM; then finish what is under way, and commit it.

    Returns whether all went well: where a thread that reads dies of a defect, its source would be
    silent for ever, and the process ends, to be started again.
    """
    failures: list[threading.ExceptHookArgs] = []
    described = manifests.read(ROOT)
    plan = Plan(described, layout, dict.fromkeys(described.areas, ""))
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def fail(failure: threading.ExceptHookArgs) -> None:
        _LOG.critical("a source's thread failed", exc_info=failure.exc_value)
        failures.append(failure)
        loop.call_soon_threadsafe(stop.set)

    threading.excepthook = fail
    kafka = plan.kafka(_NAME)
    writer = DeadLetterWriter(kafka)
    provider, spans = tracing_of(Settings(), Resource.create({"service.name": _NAME}))
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector) as session:
        feeds = []
        for source in described.kafka_sources:
            sink = Sink(
                session, source.name, plan.address(source.sink, _NAME), source.delivery,
                writer.write, spans,
            )  # fmt: skip
            feeds.append(Feed(source, kafka, sink.deliver))
        pings = []
        for ping in described.ping_sources:
            url = plan.address(ping.sink, _NAME)
            sink = Sink(session, ping.name, url, _PING_DELIVERY, writer.write)
            pings.append(asyncio.create_task(schedule.ping(ping, sink.deliver)))
        for feed in feeds:
            feed.start()
        server = await _serve(layout, feeds)
        gc.freeze()
        await stop.wait()
        for task in pings:
            task.cancel()
        await asyncio.gather(*(feed.stop(_FINISH_SECONDS) for feed in feeds))
        await server.cleanup()
    await writer.close()
    if provider is not None:
        provider.shutdown()
    return not failures


async def _serve(layout: Layout, feeds: list[Feed]) -> web.AppRunner:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        sources = {f.source.name: "up" if f.connected else "waiting for Kafka" for f in feeds}
        status = 200 if all(feed.connected for feed in feeds) else 503
        return web.json_response({"sources": sources}, status=status)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(meters.REGISTRY), content_type="text/plain")

    app = web.Application()
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/health", ready)
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, layout.event_sources).start()
    return runner


class _Lines(logging.Formatter):
    """The log's shape is that of the functions."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}: {self.formatException(record.exc_info)}"
        line = {
            "level": record.levelname.lower(),
            "function": "event_sources",
            "message": message,
        }
        return json.dumps(line, ensure_ascii=False)


def main() -> int:
    """Run until SIGTERM."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        well = uvloop.run(run(Layout.from_environment()))
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
