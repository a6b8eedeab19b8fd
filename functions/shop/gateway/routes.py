"""Which function answers which request, read from the OpenAPI document."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request

from shop.access import Access
from shop.errors import MethodNotAllowed, NotFound

PREFIX = "/api"
DOCUMENT = Path(__file__).resolve().parents[2] / "gateway" / "openapi.json"
_MOST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Door:
    """Who may pass to an operation, and whether it is looked at who that is."""

    access: Access | None = None
    reads_tokens: bool = True


_SHUT = Door()


@dataclass(frozen=True, slots=True)
class Route:
    """A public path, and the service that answers each method of it with which statuses."""

    template: str
    pattern: re.Pattern[str]
    services: dict[str, str]
    doors: dict[str, "Door"]
    keyed: frozenset[str]
    statuses: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the service, the path there, the route's template, its door.

    `keyed` says that an Idempotency-Key makes two such requests one.
    """

    service: str
    path: str
    route: str
    door: Door = _SHUT
    keyed: bool = False

    def may_repeat(self, request: Request) -> bool:
        """Whether sending the request twice does what sending it once does."""
        return request.method in ("GET", "HEAD") or (
            self.keyed and "idempotency-key" in request.headers
        )


class Routes:
    """The gateway's table of routes."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.services: tuple[str, ...] = tuple(sorted(document["x-services"]))
        self._routes = [
            _route(template, methods)
            for template, methods in document["paths"].items()
            if template.startswith(PREFIX + "/")
        ]

    @classmethod
    def load(cls) -> "Routes":
        """The table of the document that was generated from the functions."""
        return cls(json.loads(DOCUMENT.read_text()))

    def outcomes(self) -> Iterator[tuple[str, str, int]]:
        """Method, template and status of every answer that the document tells of."""
        for route in self._routes:
            for method, statuses in route.statuses.items():
                for status in statuses:
                    yield method, route.template, status

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods that a path is there for; none where it is no route."""
        for route in self._routes:
            if route.pattern.fullmatch(path):
                return tuple(route.services)
        return ()

    def find(self, method: str, path: str) -> Target:
        """The target of a request.

        The path that is forwarded is made anew from the route and its numbers, so that nothing
        of what a client writes into a path reaches a function.

        Raises:
            NotFound: no route has that path.
            MethodNotAllowed: the route has it, but not for that method.
        """
        for route in self._routes:
            found = route.pattern.fullmatch(path)
            if found is None or int(found.groupdict().get("id") or 0) > _MOST_ID:
                continue
            service = route.services.get(method)
            if service is None:
                raise MethodNotAllowed(tuple(route.services))
            door, keyed = route.doors[method], method in route.keyed
            return Target(service, path.removeprefix(PREFIX), route.template, door, keyed)
        raise NotFound(f"There is nothing at {path[:200]}.")


def _route(template: str, methods: dict[str, Any]) -> Route:
    pattern = re.escape(template).replace(r"\{id\}", "(?P<id>[1-9][0-9]{0,18})")
    services = {
        method.upper(): operation["operationId"].replace("_", "-")
        for method, operation in methods.items()
    }
    doors = {
        method.upper(): Door(operation.get("x-access"), bool(operation.get("security", True)))
        for method, operation in methods.items()
    }
    if "GET" in services:
        services["HEAD"] = services["GET"]
        doors["HEAD"] = doors["GET"]
    keyed = frozenset(
        method.upper()
        for method, operation in methods.items()
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    )
    statuses = {
        method.upper(): tuple(int(status) for status in operation.get("responses", ()))
        for method, operation in methods.items()
    }
    return Route(template, re.compile(pattern), services, doors, keyed, statuses)
