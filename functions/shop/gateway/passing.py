"""Passing a request on: who is let through, how long it may take, and whether it is sent again."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from starlette.responses import Response

from shop import deadlines, retrying
from shop.client import Client
from shop.errors import BadGateway, DeadlinePassed, DependencyDown
from shop.gateway.breaker import STATES, Breaker, Rules
from shop.gateway.bulkhead import Bulkhead, Room
from shop.gateway.forward import Forwarded, Unreachable, drop, forward
from shop.gateway.routes import Target
from shop.retrying import RetryBudget
from shop.settings import Settings
from shop.telemetry import Reading, Telemetry

# Bodies that are too long to be gathered hold on to a service for as long as their clients send.
_FLOWING = Room(in_flight=8, queued=0)

_log = logging.getLogger(__name__)
# Why a request is not sent, and what becomes of one that may be sent again.
_REASONS = ("breaker", "bulkhead")
_OUTCOMES = ("sent", "over-budget")


@dataclass(slots=True)
class Gate:
    """What stands before one service."""

    service: str
    breaker: Breaker
    bulkhead: Bulkhead
    flowing: Bulkhead = field(default_factory=lambda: Bulkhead(_FLOWING))
    budget: RetryBudget = field(default_factory=RetryBudget)


class Gates:
    """Those of all services, and what is told of them."""

    def __init__(self, settings: Settings, telemetry: Telemetry, services: tuple[str, ...]) -> None:
        room = Room(
            in_flight=settings.integer("UPSTREAM_IN_FLIGHT", Room().in_flight, least=1),
            queued=settings.integer("UPSTREAM_QUEUE", Room().queued),
        )
        self._telemetry = telemetry
        self._seconds = settings.seconds("GATEWAY_DEADLINE_SECONDS", 10.0)
        self._gates = {
            service: Gate(
                service, Breaker(Rules(), opened=partial(self._opened, service)), Bulkhead(room)
            )
            for service in services
        }
        telemetry.observe("gateway_breaker_state", self._states)
        telemetry.observe("gateway_upstream_in_flight", self._in_flight)
        telemetry.observe("gateway_upstream_queued", self._queued)
        for service in services:
            telemetry.begin_at_zero("gateway_breaker_openings", service=service)
            for reason in _REASONS:
                telemetry.begin_at_zero("gateway_refused_requests", service=service, reason=reason)
            for outcome in _OUTCOMES:
                telemetry.begin_at_zero("gateway_retries", service=service, outcome=outcome)

    def breaker(self, service: str) -> Breaker:
        """The breaker of a service."""
        return self._gates[service].breaker

    async def pass_on(self, client: Client, target: Target, sent: Forwarded) -> Response:
        """The service's answer.

        A request that may be sent twice is, where the first one broke off, or got an answer that
        no function gives: those say when to come back.

        Raises:
            DependencyDown: the service cannot be reached, is left alone, or has too much to do.
            BadGateway: it broke off.
            DeadlinePassed: it did not answer in time.
        """
        gate = self._gates[target.service]
        deadlines.begin(self._seconds)
        gate.budget.request()
        repeatable = target.may_repeat(sent.request) and not sent.flows
        try:
            response = await self._once(gate, client, sent)
        except (BadGateway, Unreachable):
            if not (repeatable and self._may_repeat(gate)):
                raise
        else:
            if not (repeatable and _is_lost(response) and self._may_repeat(gate)):
                return response
            await drop(response)
        await asyncio.sleep(retrying.pause())
        return await self._once(gate, client, sent)

    def _may_repeat(self, gate: Gate) -> bool:
        sent = gate.budget.take()
        outcome = _OUTCOMES[0] if sent else _OUTCOMES[1]
        self._telemetry.count("gateway_retries", 1, service=gate.service, outcome=outcome)
        return sent

    async def _once(self, gate: Gate, client: Client, sent: Forwarded) -> Response:
        """Send the request, and tell the breaker how it ended."""
        bulkhead = await self._enter(gate, flows=sent.flows)
        stack = AsyncExitStack()
        stack.callback(bulkhead.leave)
        try:
            response = await forward(client, sent, stack)
        except DeadlinePassed:
            if sent.flows:  # It may be the client who is late.
                gate.breaker.untold()
            else:
                gate.breaker.ended(well=False)
            raise
        except BadGateway:
            gate.breaker.ended(well=False)
            raise
        except BaseException:
            gate.breaker.untold()
            raise
        gate.breaker.ended(well=response.status_code < 500)
        return response

    async def _enter(self, gate: Gate, *, flows: bool) -> Bulkhead:
        """Take a place at the service; the bulkhead to leave."""
        bulkhead = gate.flowing if flows else gate.bulkhead
        with self._refusing(gate, "breaker"):
            gate.breaker.look()
        patience = deadlines.within(self._seconds)
        with self._refusing(gate, "bulkhead"):
            await bulkhead.enter(patience)
        try:
            with self._refusing(gate, "breaker"):
                gate.breaker.admit()
        except BaseException:
            bulkhead.leave()
            raise
        return bulkhead

    @contextmanager
    def _refusing(self, gate: Gate, reason: str) -> Iterator[None]:
        try:
            yield
        except DependencyDown:
            self._telemetry.count(
                "gateway_refused_requests", 1, service=gate.service, reason=reason
            )
            raise

    def _opened(self, service: str) -> None:
        self._telemetry.count("gateway_breaker_openings", 1, service=service)
        _log.warning("%s fails and is left alone for a while", service)

    def _states(self) -> list[Reading]:
        return self._of_each(lambda gate: STATES.index(gate.breaker.state))

    def _in_flight(self) -> list[Reading]:
        return self._of_each(lambda gate: gate.bulkhead.in_flight + gate.flowing.in_flight)

    def _queued(self) -> list[Reading]:
        return self._of_each(lambda gate: gate.bulkhead.queued)

    def _of_each(self, read: Callable[[Gate], int]) -> list[Reading]:
        return [(read(gate), {"service": name}) for name, gate in self._gates.items()]


def _is_lost(response: Response) -> bool:
    """Whether something on the way has answered and no function: those say when to come back."""
    return response.status_code in (502, 503) and "retry-after" not in response.headers
