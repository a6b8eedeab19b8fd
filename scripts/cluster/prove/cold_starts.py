"""How long a function takes from no pod to its first answer, beside a bare hello."""

import asyncio
import copy
import json
import os
import statistics
import time
from typing import Any

import aiohttp

from cluster import image, waiting
from cluster.address import Address, forwarded
from cluster.kubectl import NAMESPACE, ClusterError, Object, apply, delete, get, name_of
from cluster.render import render

_PREFIX = "cold-"
_HELLO = """
import functions_framework


@functions_framework.http
def hello(request):
    return "hello"
"""
_ROUNDS = int(os.environ.get("PROOF_ROUNDS") or 10)
# Paths of functions that answer GET; to the others a body is sent that they refuse, or take.
_PATHS = {
    "gateway": "/health",
    "get-product": "/products/1",
    "get-order": "/orders/1",
    "list-categories": "/categories",
    "list-dead-letters": "/dead-letters",
    "list-notifications": "/notifications",
    "list-orders": "/orders",
    "list-products": "/products",
    "hello": "/",
}


async def cold_starts(_: Address) -> None:
    """From zero to the first answer, ten times each, beside functions-framework's hello."""
    copies = _copies()
    names = [name_of(each) for each in copies]
    try:
        await asyncio.to_thread(_deploy, copies, names)
        taken: dict[str, list[float]] = {name: [] for name in names}
        with forwarded("kourier-system", "service/kourier-internal", 80) as place:
            for _round in range(_ROUNDS):
                for name in names:
                    await asyncio.to_thread(_await_none, name)
                    taken[name].append(await _first_answer(place, name))
                print(f"    round {_round + 1} of {_ROUNDS}", flush=True)
        _report(taken)
    finally:
        await asyncio.to_thread(delete, "ksvc", *names)
        await asyncio.to_thread(delete, "configmap", f"{_PREFIX}hello")


def _copies() -> list[Object]:
    """Each function under another name, allowed to sleep at once, and the hello."""
    references = {each.name: each.reference for each in image.images()}
    rendered = render("minikube", references)
    functions = [
        each
        for each in rendered
        if each["kind"] == "Service" and each["apiVersion"].startswith("serving.")
    ]
    copies = [_copy(each, name_of(each)) for each in functions]
    hello = _copy(next(f for f in functions if name_of(f) == "list-categories"), "hello")
    pod = hello["spec"]["template"]["spec"]
    container = pod["containers"][0]
    container |= {
        "command": ["functions-framework", "--source", "/hello/hello.py", "--target", "hello"],
        "env": [],
        "envFrom": [],
        "volumeMounts": [
            {"name": "hello", "mountPath": "/hello", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - gunicorn's, in its container
        ],
    }
    container["readinessProbe"] = {"httpGet": {"path": "/"}}
    del container["livenessProbe"]
    pod["volumes"] = [
        {"name": "hello", "configMap": {"name": f"{_PREFIX}hello"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    return [*copies, hello]


def _copy(each: Object, name: str) -> Object:
    made = copy.deepcopy(each)
    made["metadata"]["name"] = f"{_PREFIX}{name}"
    made["metadata"]["labels"] = {"networking.knative.dev/visibility": "cluster-local"}
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    annotations |= {
        "autoscaling.knative.dev/min-scale": "0",
        "autoscaling.knative.dev/max-scale": "1",
        "autoscaling.knative.dev/initial-scale": "1",
        "autoscaling.knative.dev/window": "6s",
    }
    return made


def _deploy(copies: list[Object], names: list[str]) -> None:
    apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"{_PREFIX}hello", "namespace": NAMESPACE},
                "data": {"hello.py": _HELLO},
            }
        ]
    )
    for first in range(0, len(copies), 4):
        apply(copies[first : first + 4])
        wave = names[first : first + 4]
        waiting.await_all("copies", "ksvc", wave, waiting.serves_newest)


def _await_none(name: str, seconds: float = 180.0) -> None:
    """Wait until the function's last pod is gone from the cluster's routes."""
    deadline = time.monotonic() + seconds
    while True:
        pods = get("pods", "-l", f"serving.knative.dev/service={name}")
        if not [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"{name} does not fall asleep within {seconds:g} s.")
        time.sleep(0.5)


async def _first_answer(place: str, name: str) -> float:
    """Seconds from the request to the answer's last byte."""
    function = name.removeprefix(_PREFIX)
    url = f"http://{place}{_PATHS.get(function, '/')}"
    body: Any = None if function in _PATHS else json.dumps({})
    headers = {
        "Host": f"{name}.{NAMESPACE}.svc.cluster.local",
        "Content-Type": "application/json",
    }
    began = time.perf_counter()
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
        session.request("GET" if body is None else "POST", url, data=body, headers=headers) as got,
    ):
        await got.read()
        if got.status >= 500 and function != "gateway":
            raise ClusterError(f"{name} answers {got.status} to its first request.")
    return time.perf_counter() - began


def _report(taken: dict[str, list[float]]) -> None:
    hello = statistics.median(taken[f"{_PREFIX}hello"])
    print(f"    {'':<20} {'p50':>7} {'p95':>7}   of hello")
    worst = 0.0
    for name, seconds in sorted(taken.items(), key=lambda item: statistics.median(item[1])):
        ordered = sorted(seconds)
        p50 = statistics.median(ordered)
        p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        worst = max(worst, p50 / hello)
        shown = name.removeprefix(_PREFIX)
        print(f"    {shown:<20} {p50:6.2f}s {p95:6.2f}s   {p50 / hello:5.2f}")
    print(f"    the slowest takes {worst:.2f} times as long as hello; the goal is 1.5")
