"""Asking the cluster's Prometheus, through a port of this machine that leads there meanwhile."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from cluster.address import forwarded
from cluster.kubectl import NAMESPACE

_SECONDS = 20.0


class Prometheus:
    """What it answers."""

    def __init__(self, place: str) -> None:
        self._url = f"http://{place}/api/v1"

    def ask(self, path: str, **parameters: str) -> Any:
        """What is behind an address of its API."""
        url = f"{self._url}/{path}?{urlencode(parameters)}"
        with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - this machine's own port
            return json.load(answer)["data"]

    def query(self, expression: str, at: float | None = None) -> list[Any]:
        """The result of an instant query; `at` in seconds since 1970."""
        when = {} if at is None else {"time": f"{at:.3f}"}
        result: list[Any] = self.ask("query", query=expression, **when)["result"]
        return result

    def samples(self, selector: str, window: str) -> list[tuple[float, float]]:
        """Times and values of one series over the window up to now."""
        found = self.query(f"{selector}[{window}]")
        return [(float(time), float(value)) for time, value in found[0]["values"]] if found else []

    def increase(self, selector: str, start: float, end: float) -> float:
        """`sum(increase(…))` between two scrapes.

        Prometheus extrapolates to the edges of a window. Between two of its own samples there is
        nothing to extrapolate; a millisecond more takes the first one in, whether or not the
        window is open there.
        """
        milliseconds = round((end - start) * 1000) + 1
        found = self.query(f"sum(increase({selector}[{milliseconds}ms]))", end)
        return float(found[0]["value"][1]) if found else 0.0


@contextlib.contextmanager
def prometheus() -> Iterator[Prometheus]:
    """The Prometheus of the shop's namespace."""
    with forwarded(NAMESPACE, "service/prometheus", 9090) as place:
        yield Prometheus(place)
