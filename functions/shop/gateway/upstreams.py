"""The addresses of the services, and what was last seen of each."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from shop.client import Client
from shop.settings import SettingError, Settings

State = Literal["up", "down", "idle"]
_LOOK_SECONDS = 2.0
# Whoever asks for a probe wakes what sleeps, and waits for it.
_PROBE_SECONDS = 8.0
# What was seen of a service longer ago says nothing of it any more: it may have gone to sleep.
_REMEMBERED_SECONDS = 60.0


@dataclass(slots=True)
class _Sight:
    up: bool
    at: float


class Upstreams:
    """The services behind the gateway.

    `UPSTREAMS` is JSON from service to base URL; without it `UPSTREAM_URL` is a template with
    `{function}` in it.
    """

    def __init__(self, settings: Settings, services: tuple[str, ...]) -> None:
        if settings.has("UPSTREAMS"):
            try:
                named: dict[str, str] = json.loads(settings.text("UPSTREAMS"))
            except ValueError:
                raise SettingError("UPSTREAMS must be a JSON object of base URLs") from None
            # One that no route leads to, the gateway itself on this machine, is none of them.
            self._bases = {name: url.rstrip("/") for name, url in named.items() if name in services}
        else:
            template = settings.text("UPSTREAM_URL")
            self._bases = {
                name: template.replace("{function}", name).rstrip("/") for name in services
            }
        self._seen: dict[str, _Sight] = {}
        self._probing: asyncio.Task[None] | None = None

    def base(self, service: str) -> str:
        """The base URL of the service; SettingError where the settings do not name it."""
        try:
            return self._bases[service]
        except KeyError:
            raise SettingError(f"UPSTREAMS names no {service}") from None

    def saw(self, service: str, *, up: bool) -> None:
        """Remember that the service answered, or that it did not."""
        self._seen[service] = _Sight(up, time.monotonic())

    async def health(self, client: Client, *, probe: bool) -> tuple[bool, dict[str, Any]]:
        """Whether nothing is down, and each service's state.

        Without `probe` only services that were seen down are asked again: those are not
        asleep, and asking wakes nothing.
        """
        if probe:
            await self._probe_all(client)
        else:
            down = [name for name in self._bases if self._state(name) == "down"]
            await asyncio.gather(*(self._probe(client, name, _LOOK_SECONDS) for name in down))
        states = {name: self._state(name) for name in sorted(self._bases)}
        return "down" not in states.values(), {
            name: {"state": state, **self._age(name)} for name, state in states.items()
        }

    async def _probe_all(self, client: Client) -> None:
        """Ask every service; whoever asks meanwhile waits for the same answers."""
        if self._probing is None or self._probing.done():

            async def ask() -> None:
                await asyncio.gather(
                    *(self._probe(client, name, _PROBE_SECONDS) for name in self._bases)
                )

            self._probing = asyncio.create_task(ask())
        await asyncio.shield(self._probing)

    def _state(self, service: str) -> State:
        sight = self._seen.get(service)
        if sight is None or time.monotonic() - sight.at > _REMEMBERED_SECONDS:
            return "idle"
        return "up" if sight.up else "down"

    def _age(self, service: str) -> dict[str, float]:
        sight = self._seen.get(service)
        return {} if sight is None else {"seen_seconds_ago": round(time.monotonic() - sight.at, 1)}

    async def _probe(self, client: Client, service: str, seconds: float) -> None:
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            url = self._bases[service] + "/health/ready"
            async with client.session.get(url, timeout=timeout) as answer:
                self.saw(service, up=answer.status == 200)
        except (aiohttp.ClientError, TimeoutError):
            self.saw(service, up=False)
