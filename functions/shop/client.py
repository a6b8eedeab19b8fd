"""Calls from function to function: pooled connections, deadlines, the trace handed on."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp.connector import Connection

from shop import deadlines, retrying, tracing
from shop.errors import DeadlinePassed, DependencyDown
from shop.settings import Settings
from shop.telemetry import Telemetry
from shop.trust import HEADER, Identities

_AGAIN_SECONDS = 0.1


class PatientConnector(aiohttp.TCPConnector):
    """Tries a connection that is refused again, for some seconds.

    On Knative a request for a service that is not there yet waits at the activator. Where there
    is none, on one machine, its caller waits: nothing was sent, so any request may.
    """

    def __init__(self, patience: float, **options: Any) -> None:
        super().__init__(**options)
        self._patience = patience

    async def connect(self, *arguments: Any, **options: Any) -> Connection:
        """A connection; ClientConnectorError where `patience` seconds brought none."""
        give_up = time.monotonic() + self._patience
        while True:
            try:
                return await super().connect(*arguments, **options)
            except aiohttp.ClientConnectorError:
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(_AGAIN_SECONDS)


class Client:
    """Calls other functions, by the setting that holds each one's base URL."""

    def __init__(
        self,
        settings: Settings,
        telemetry: Telemetry,
        calls: tuple[str, ...],
        identities: Identities | None = None,
    ) -> None:
        """`identities` sign what `post` sends, where authentication is on."""
        self._identities = identities
        self._bases = {name: settings.text(name).rstrip("/") for name in calls}
        self._budgets = {name: retrying.RetryBudget() for name in calls}
        # Where a call may have to wake the function that it goes to, it is given longer.
        self._deadline = (
            settings.seconds("CALL_DEADLINE_SECONDS", 5.0)
            if settings.has("CALL_DEADLINE_SECONDS")
            else None
        )
        connector = PatientConnector(
            settings.seconds("CONNECT_PATIENCE_SECONDS", 0.001),
            limit=512,
            ttl_dns_cache=10,
            keepalive_timeout=30.0,
        )
        self._connector = connector
        self._plain = _session(connector)
        self._traced: aiohttp.ClientSession | None = None
        if telemetry.tracer_provider is not None:
            from opentelemetry.instrumentation.aiohttp_client import create_trace_config

            config = create_trace_config(tracer_provider=telemetry.tracer_provider)
            self._traced = _session(connector, config)

    @property
    def session(self) -> aiohttp.ClientSession:
        """What the running task calls with: it makes spans where the task's trace is recorded.

        Both share their connections; the one that makes spans costs 100 µs more a call.
        """
        if self._traced is not None and tracing.sampled():
            return self._traced
        return self._plain

    async def close(self) -> None:
        """Close every connection."""
        if self._traced is not None:
            await self._traced.close()
        await self._plain.close()
        await self._connector.close()

    async def post(
        self, setting: str, path: str, body: bytes, *, seconds: float
    ) -> tuple[int, bytes]:
        """POST JSON to the function whose base URL `setting` holds; its status and body.

        What is posted carries the UUID that makes it idempotent, so a connection that breaks,
        or cannot be made, is tried once more, within a budget.

        Raises:
            DeadlinePassed: there is no answer within `seconds`, or CALL_DEADLINE_SECONDS, or
                before the caller's own deadline.
            DependencyDown: the function cannot be reached, or broke off.
        """
        budget = self._budgets[setting]
        budget.request()
        for again in (True, False):
            patience = deadlines.within(self._deadline or seconds)
            headers = {
                "Content-Type": "application/json",
                **trace_headers(),
                **deadlines.header(patience),
            }
            if self._identities is not None:
                headers[HEADER] = self._identities.own()
            timeout = aiohttp.ClientTimeout(total=patience)
            try:
                async with self.session.post(
                    self._bases[setting] + path, data=body, headers=headers, timeout=timeout
                ) as answer:
                    return answer.status, await answer.read()
            except TimeoutError as error:
                raise DeadlinePassed("A service did not answer in time.") from error
            except aiohttp.ClientConnectorError as error:
                if not (again and budget.take()):
                    raise DependencyDown("A service cannot be reached.") from error
            except aiohttp.ClientError as error:
                if not (again and budget.take()):
                    raise DependencyDown("A service broke off its answer.") from error
            await asyncio.sleep(retrying.pause())
        raise AssertionError("unreachable")


def _session(
    connector: aiohttp.TCPConnector, *configs: aiohttp.TraceConfig
) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=connector,
        connector_owner=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=list(configs),
    )
    # Nor is it here, a PUT with If-Match least of all. There is no public way to say so.
    session._retry_connection = False  # noqa: SLF001
    return session


def trace_headers() -> Mapping[str, str]:
    """The headers that hand the current trace on."""
    traceparent = tracing.traceparent()
    return {} if traceparent is None else {"traceparent": traceparent}
