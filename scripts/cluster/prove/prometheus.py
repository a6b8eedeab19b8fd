"""Asking the cluster's Prometheus, through the API server."""

import json
from typing import Any
from urllib.parse import quote

from cluster.kubectl import NAMESPACE, kubectl

_PROXY = f"/api/v1/namespaces/{NAMESPACE}/services/prometheus:9090/proxy/api/v1"


def ask(path: str) -> Any:
    """What is behind an address of Prometheus' API."""
    return json.loads(kubectl("get", "--raw", f"{_PROXY}/{path}"))["data"]


def query(expression: str, at: float | None = None) -> list[Any]:
    """The result of an instant query; `at` in seconds since 1970."""
    path = f"query?query={quote(expression)}"
    if at is not None:
        path += f"&time={at:.3f}"
    result: list[Any] = ask(path)["result"]
    return result


def samples(selector: str, window: str) -> list[tuple[float, float]]:
    """Times and values of one series over the window up to now."""
    found = query(f"{selector}[{window}]")
    return [(float(time), float(value)) for time, value in found[0]["values"]] if found else []


def increase(selector: str, start: float, end: float) -> float:
    """`sum(increase(…))` between two scrapes.

    Prometheus extrapolates to the edges of a window. Between two of its own samples there is
    nothing to extrapolate; a millisecond more takes the first one in, whether or not the window
    is open there.
    """
    milliseconds = round((end - start) * 1000) + 1
    found = query(f"sum(increase({selector}[{milliseconds}ms]))", end)
    return float(found[0]["value"][1]) if found else 0.0
