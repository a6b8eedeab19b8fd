"""The declaration of a function: its path, who may call it, what it takes and answers.

The edge routes by it, requests are validated by it, and the OpenAPI document is generated from it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from shop.access import Access
from shop.errors import MethodNotAllowed, NotFound, Problem
from shop.services import Services

PathValue = int | UUID
# What a request may be counted as: method, route, status.
Outcome = tuple[str, str, int]
Scope = MutableMapping[str, Any]
Header = tuple[bytes, bytes]

_MOST_ID = 2**63 - 1
_PARAMETERS = {
    "id": r"[1-9][0-9]{0,18}",
    "uuid": r"[0-9a-fA-F-]{36}",
    # But for what the framework would answer itself, in plain text.
    "path": r"(?!(?:robots\.txt|favicon\.ico)$)[^\n]*",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """The declaration of a function."""

    name: str
    area: str
    methods: tuple[str, ...]
    path: str
    summary: str
    # Who may call it; where nobody is named, nobody may. `callers` are the parts of the shop that
    # an operation of the system knows.
    access: Access | None = None
    callers: tuple[str, ...] = ()
    description: str = ""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    answer: Any = None
    errors: tuple[type[Problem], ...] = ()
    keyed: bool = False
    conditions: tuple[str, ...] = ()
    conditional: bool = False
    cluster_local: bool = False
    receives_events: bool = False
    # Whether it refuses events that their source has not signed, where authentication is on.
    signed_events: bool = False
    uses_database: bool = True
    uses_client: bool = False
    calls: tuple[str, ...] = ()
    # An empty body is taken for an empty object.
    body_optional: bool = False
    # Makes what the first request would have to wait for; SettingError where that cannot be.
    prepare: Callable[[Services], object] | None = None
    most_bytes: int = 65_536
    # Where it answers for several routes, how their requests may end.
    further_outcomes: Callable[[], Iterable[Outcome]] = tuple
    # What is shown from the start on: counter or histogram, its label, and the label's values.
    zeros: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    # The headers that every answer gets, to a request's scope and the answer's own headers.
    further_headers: Callable[[Services, Scope, list[Header]], Iterable[Header]] | None = None
    pattern: re.Pattern[str] = field(default_factory=lambda: re.compile(""))

    def outcomes(self) -> Iterator[Outcome]:
        """How its requests are declared to end; more may happen, and is counted as well."""
        if "{path}" not in self.path:
            statuses = {self.status, 500, 503, *(problem.status for problem in self.errors)}
            if self.conditional:
                statuses.add(304)
            for status in sorted(statuses):
                yield self.methods[0], self.path, status
        yield from self.further_outcomes()

    def match(self, path: str) -> dict[str, PathValue] | None:
        """The parameters of a request's path, or None where it is not this operation's."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values: dict[str, PathValue] = {}
        for name, text in found.groupdict().items():
            if name == "id":
                values[name] = int(text)
                if values[name] > _MOST_ID:  # type: ignore[operator]
                    return None
            elif name == "uuid":
                try:
                    values[name] = UUID(text)
                except ValueError:
                    return None
        return values

    def admit(self, method: str, path: str) -> dict[str, PathValue]:
        """The path's parameters.

        Raises:
            NotFound: the path is another one.
            MethodNotAllowed: the path is right and the method is not.
        """
        values = self.match(path)
        if values is None:
            raise NotFound(f"There is nothing at {path[:200]}.")
        if method not in self.methods:
            raise MethodNotAllowed(self.methods)
        return values


REGISTRY: dict[str, Operation] = {}


def declare(**members: Any) -> Operation:
    """Register an operation with these members; its path becomes a pattern."""
    template: str = members["path"]
    pattern = re.sub(
        r"\\\{(\w+)\\\}", lambda m: f"(?P<{m[1]}>{_PARAMETERS[m[1]]})", re.escape(template)
    )
    declared = Operation(pattern=re.compile(pattern, re.DOTALL), **members)
    REGISTRY[declared.name] = declared
    return declared
