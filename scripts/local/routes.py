"""Which function serves which path and method, from the OpenAPI document."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from shop.errors import MethodNotAllowed, NotFound

_PARAMETER = re.compile(r"\{[^/}]+\}")
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Table:
    """The routes of one area: a pattern, and the function of each method."""

    routes: tuple[tuple[re.Pattern[str], dict[str, str]], ...]

    @classmethod
    def of_area(cls, openapi: Path, area: str) -> "Table":
        """The area's routes, without the prefix under which the gateway serves them."""
        paths = json.loads(openapi.read_text())["paths"]
        routes = []
        for path, operations in paths.items():
            methods = {
                method.upper(): operation["operationId"]
                for method, operation in operations.items()
                if method in _METHODS and operation["tags"][0] == area
            }
            if methods:
                parts = _PARAMETER.split(path.removeprefix("/api"))
                routes.append((re.compile("[^/]+".join(map(re.escape, parts))), methods))
        return cls(tuple(routes))

    def find(self, method: str, path: str) -> str:
        """The name of the function.

        Raises:
            NotFound: the area has no such path.
            MethodNotAllowed: it has the path, but not for that method.
        """
        for pattern, methods in self.routes:
            if pattern.fullmatch(path):
                function = methods.get("GET" if method == "HEAD" else method)
                if function is None:
                    raise MethodNotAllowed([*methods, *(["HEAD"] if "GET" in methods else [])])
                return function
        raise NotFound(f"There is nothing at {path[:200]}.")
