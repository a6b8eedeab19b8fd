"""The Secrets of a cluster that is not there."""

import base64
from collections.abc import Iterable

from cluster.kubectl import Object


class Secrets:
    """The Secrets of a namespace."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = {}
        self.version = 0

    def get(self, kind: str) -> list[Object]:
        assert kind == "secrets"
        return [
            {
                "metadata": {"name": name, "uid": name, "resourceVersion": "1"},
                "data": {k: base64.b64encode(v.encode()).decode() for k, v in values.items()},
            }
            for name, values in self.kept.items()
        ]

    def apply(self, objects: Iterable[Object]) -> None:
        self.kept |= {each["metadata"]["name"]: each["stringData"] for each in objects}

    def urls(self) -> dict[str, str]:
        return {name: v["DATABASE_URL"] for name, v in self.kept.items() if "DATABASE_URL" in v}
