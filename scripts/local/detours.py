"""What a test puts between the processes: addresses that lead elsewhere, and variables of one.

SHOP_DETOURS names a JSON file, such as
`{"links": {"create_order>reserve_stock": 30301, "orders-relay>kafka": 30302,
"create_order>postgres": 30303}, "variables": {"postgres": {"FAKETIME": "+60"}}}`:
the client in front of the `>` is told to find the server behind it at that port of this machine.
Without the variable nothing is different.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from local.layout import HOST

VARIABLE = "SHOP_DETOURS"


@dataclass(frozen=True, slots=True)
class Detours:
    """Ports by link, and variables by process."""

    links: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What the file that SHOP_DETOURS names says."""
        path = environment.get(VARIABLE)
        return cls(**json.loads(Path(path).read_text())) if path else cls()

    def address(self, client: str, server: str, otherwise: str) -> str:
        """HOST:PORT, or a URL, at which the client finds the server."""
        port = self.links.get(f"{client}>{server}")
        if port is None:
            return otherwise
        scheme, found, _ = otherwise.rpartition("://")
        return f"{scheme}{found}{HOST}:{port}"

    def database(self, client: str, url: str) -> str:
        """The URL at which the client finds its database; a link to it goes by TCP."""
        port = self.links.get(f"{client}>postgres")
        if port is None:
            return url
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@{HOST}:{port}", query=""))

    def to(self, server: str) -> list[int]:
        """The ports that stand for a server, in the order of their links."""
        return [port for link, port in self.links.items() if link.endswith(f">{server}")]

    def of(self, process: str) -> dict[str, str]:
        """The variables that the process is given besides its own."""
        return dict(self.variables.get(process, {}))
