"""Offers an event to its sink as Knative's dispatcher does: attempts, backoff, dead letters."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from opentelemetry.trace import Span, SpanKind

from local import probe
from local.events import meters
from local.events.cloudevent import Event
from local.manifests import Delivery
from shop.spans import Spans, ended, header_of

_LOG = logging.getLogger(__name__)
_RETRIED = frozenset({404, 408, 409, 429})
# A function that restarts is one that Knative's activator would hold the request for.
_HOLD_SECONDS = 60.0
_LISTEN_PAUSE = 0.05

DeadLetters = Callable[[str, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sink answered; no status where it gave none."""

    status: int | None
    body: bytes
    is_event: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the event is done with. Words that are no event are not taken for a yes."""
        success = self.status is not None and 200 <= self.status < 300
        return success and (not self.body or self.is_event)

    @property
    def worth_a_retry(self) -> bool:
        """Whether the same event may be accepted later."""
        return self.status is None or self.status >= 500 or self.status in _RETRIED


class Sink:
    """A function that takes events."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        source: str,
        url: str,
        delivery: Delivery,
        dead_letters: DeadLetters,
        spans: Spans | None = None,
    ) -> None:
        """`source` names the source in logs and metrics; `url` is the function's base URL."""
        self._session = session
        self._source = source
        self._url = url
        self._port = int(url.rpartition(":")[2])
        self._delivery = delivery
        self._dead_letters = dead_letters
        self._spans = spans
        self._timeout = aiohttp.ClientTimeout(total=delivery.timeout)

    async def deliver(self, event: Event) -> None:
        """Return once the event is accepted, stored as a dead letter, or given up."""
        began = time.monotonic()
        headers = event.http_headers()
        span = self._span(event, headers)
        answer = await self._attempt(event, headers)
        for retry in range(1, self._delivery.retry + 1):
            if answer.accepted or not answer.worth_a_retry:
                break
            _LOG.warning("%s: %s, retry %d follows", self._source, _said(answer), retry)
            meters.RETRIES.labels(self._source).inc()
            await asyncio.sleep(self._delivery.pause(retry))
            answer = await self._attempt(event, headers)
        outcome = "delivered" if answer.accepted else await self._give_up(event, answer)
        meters.DELIVERIES.labels(self._source, outcome).inc()
        meters.SECONDS.labels(self._source).observe(time.monotonic() - began)
        if span is not None:
            ended(
                span, f"deliver {self._source}", {"shop.outcome": outcome},
                failed=not answer.accepted,
            )  # fmt: skip

    def _span(self, event: Event, headers: dict[str, str]) -> Span | None:
        """The delivery as a span of the event's trace, handed on in the place of its parent."""
        if self._spans is None:
            return None
        told = {"messaging.message.id": event.attributes["id"], "server.address": self._url}
        header = event.attributes.get("traceparent") or event.trace.get("traceparent")
        span = self._spans.begin(header, f"deliver {self._source}", SpanKind.CONSUMER, told)
        if span is not None:
            headers["traceparent"] = header_of(span)
        return span

    async def _attempt(self, event: Event, headers: dict[str, str]) -> Answer:
        deadline = time.monotonic() + _HOLD_SECONDS
        while True:
            try:
                async with self._session.post(
                    self._url, data=event.data, headers=headers, timeout=self._timeout
                ) as response:
                    body = await response.read()
                    is_event = "ce-specversion" in response.headers or (
                        response.content_type.startswith("application/cloudevents")
                    )
                    return Answer(response.status, body, is_event)
            except aiohttp.ClientConnectorError:
                if time.monotonic() > deadline:
                    return Answer(None, b"")
                while not await probe.listening(self._port) and time.monotonic() < deadline:
                    await asyncio.sleep(_LISTEN_PAUSE)
            except (aiohttp.ClientError, TimeoutError):
                return Answer(None, b"")

    async def _give_up(self, event: Event, answer: Answer) -> str:
        topic = self._delivery.dead_letter_topic
        what = f"{event.attributes['type']} {event.attributes['id']}"
        if topic is None:
            _LOG.error("%s: %s is dropped, %s", self._source, what, _said(answer))
            return "dropped"
        await self._dead_letters(topic, event.failed(self._url, answer.status, answer.body))
        _LOG.warning("%s: %s is a dead letter, %s", self._source, what, _said(answer))
        return "dead_letter"


def _said(answer: Answer) -> str:
    if answer.status is None:
        return "the sink did not answer"
    return f"the sink answered {answer.status}"
