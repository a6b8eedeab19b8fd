"""Calls from function to function: pooled connections, deadlines, the trace handed on."""

from collections.abc import Mapping

import aiohttp

from shop import tracing
from shop.errors import DeadlinePassed, DependencyDown
from shop.settings import Settings
from shop.telemetry import Telemetry


class Client:
    """Calls other functions, by the setting that holds each one's base URL."""

    def __init__(self, settings: Settings, telemetry: Telemetry, calls: tuple[str, ...]) -> None:
        self._bases = {name: settings.text(name).rstrip("/") for name in calls}
        if telemetry.tracer_provider is not None:
            from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor

            AioHttpClientInstrumentor().instrument(tracer_provider=telemetry.tracer_provider)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=512, ttl_dns_cache=10, keepalive_timeout=30.0),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.session.close()

    async def post(
        self, setting: str, path: str, body: bytes, *, seconds: float
    ) -> tuple[int, bytes]:
        """POST JSON to the function whose base URL `setting` holds; its status and body.

        What is posted carries the UUID that makes it idempotent, so a connection that breaks,
        or cannot be made, is tried once more.

        Raises:
            DeadlinePassed: there is no answer within `seconds`.
            DependencyDown: the function cannot be reached, or broke off.
        """
        headers = {"Content-Type": "application/json", **trace_headers()}
        timeout = aiohttp.ClientTimeout(total=seconds)
        for last in (False, True):
            try:
                async with self.session.post(
                    self._bases[setting] + path, data=body, headers=headers, timeout=timeout
                ) as answer:
                    return answer.status, await answer.read()
            except TimeoutError as error:
                raise DeadlinePassed("A service did not answer in time.") from error
            except aiohttp.ClientConnectorError as error:
                if last:
                    raise DependencyDown("A service cannot be reached.") from error
            except aiohttp.ClientError as error:
                if last:
                    raise DependencyDown("A service broke off its answer.") from error
        raise AssertionError("unreachable")


def trace_headers() -> Mapping[str, str]:
    """The headers that hand the current trace on."""
    traceparent = tracing.traceparent()
    return {} if traceparent is None else {"traceparent": traceparent}
