"""Where the shop on a cluster can be reached: an address, and the Host that leads to it there."""

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from cluster.kubectl import NAMESPACE, ClusterError, get, program

_INGRESS, _INGRESS_NAMESPACE = "kourier", "kourier-system"
# What Knative serves below its default domain cannot be reached from outside.
_INSIDE = ".svc.cluster.local"
_CONNECT_SECONDS = 2.0
_FORWARDING = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL, and the Host header that is to be sent there."""

    url: str
    host: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which commands and tests find the shop."""
        return {"SHOP_URL": self.url, "SHOP_HOST": self.host}


def host(service: str = "gateway") -> str:
    """The host name under which Knative serves a service; ClusterError where it serves none."""
    found = get("ksvc", service)
    url = found[0].get("status", {}).get("url") if found else None
    if not url:
        raise ClusterError(f"{service} is not deployed; `scripts/task deploy` does it.")
    name = urlsplit(str(url)).netloc
    if name.endswith(_INSIDE):
        raise ClusterError(
            f"Knative serves {service} inside the cluster alone, as {name}: it has no domain. Name "
            "one: kubectl -n knative-serving patch configmap/config-domain --type=merge "
            """-p '{"data":{"example.com":""}}'"""
        )
    return name


def address(service: str = "gateway") -> Address:
    """SHOP_URL and SHOP_HOST where they are set, or the ingress as the cluster shows it."""
    name = os.environ.get("SHOP_HOST") or host(service)
    if url := os.environ.get("SHOP_URL"):
        return Address(url.rstrip("/"), name)
    return Address(f"http://{_ingress()}", name)


def _ingress() -> str:
    """The ingress's own address where the cluster gives it one, or a port of a node."""
    found = get("service", _INGRESS, namespace=_INGRESS_NAMESPACE)
    if not found:
        raise ClusterError("The cluster has no Kourier, and SHOP_URL names no other ingress.")
    points = found[0].get("status", {}).get("loadBalancer", {}).get("ingress", [])
    if points:
        return str(points[0].get("ip") or points[0]["hostname"])
    port = next(p.get("nodePort") for p in found[0]["spec"]["ports"] if p["port"] == 80)
    nodes = get("nodes")
    addresses = {each["type"]: each["address"] for each in nodes[0]["status"]["addresses"]}
    if port is None or "InternalIP" not in addresses:
        raise ClusterError("The ingress has no address outside the cluster; name one in SHOP_URL.")
    return f"{addresses['InternalIP']}:{port}"


def _answers(place: str) -> bool:
    """Whether this machine gets at the address: a cluster's own network may be closed to it."""
    name, _, port = place.partition(":")
    try:
        socket.create_connection((name, int(port or 80)), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def forwarded(namespace: str, target: str, port: int, *, local: int = 0) -> Iterator[str]:
    """A port of this machine that leads to one of the cluster, as `127.0.0.1:port`."""
    command = [
        program("kubectl", "the cluster is spoken to by it"),
        "-n", namespace, "port-forward", "--address", "127.0.0.1", target,
        f"{local or ''}:{port}",
    ]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = child.stdout.readline() if child.stdout else ""
        found = _FORWARDING.search(line)
        if found is None:
            raise ClusterError(f"No port leads to {target}: {line.strip()}")
        yield found[1]
    finally:
        child.terminate()
        child.wait()


@contextlib.contextmanager
def reachable(*, here: bool = False) -> Iterator[Address]:
    """The shop where it can be reached: SHOP_URL, the ingress, or else a port opened meanwhile.

    The port of kubectl is the last resort: it costs each request, and ends when a pod does. Only
    it is an address of this machine, for what has to be sent `here`.
    """
    if os.environ.get("SHOP_URL"):
        yield address()
        return
    name = os.environ.get("SHOP_HOST") or host()
    try:
        place = "" if here else _ingress()
    except ClusterError:
        place = ""
    if place and _answers(place):
        yield Address(f"http://{place}", name)
        return
    with forwarded(_INGRESS_NAMESPACE, f"service/{_INGRESS}", 80) as place:
        yield Address(f"http://{place}", name)


def dashboards() -> None:
    """Lead ports of this machine to Prometheus and, where they are deployed, Grafana and Jaeger."""
    offered = {"prometheus": (9090, 9090), "grafana": (3000, 3001), "jaeger": (16686, 16686)}
    there = {each["metadata"]["name"] for each in get("services")}
    with contextlib.ExitStack() as stack:
        for name, (port, local) in offered.items():
            if name in there:
                place = stack.enter_context(
                    forwarded(NAMESPACE, f"service/{name}", port, local=local)
                )
                print(f"  {name:<12} http://{place}", flush=True)
        if not there & offered.keys():
            raise ClusterError("Neither Prometheus nor Grafana is deployed in the namespace shop.")
        print("Until Ctrl-C.", flush=True)
        while True:
            time.sleep(3600)
