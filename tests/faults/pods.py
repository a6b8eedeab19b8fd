"""The shop on kubectl's cluster as a target: its pods are killed, and its readers rebalanced.

Its databases are emptied before each run: it is for a cluster that is there to be tried.
"""

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from kafka.errors import KafkaError

from cluster import address, waiting
from cluster.kubectl import NAMESPACE, ClusterError, get, kubectl, name_of
from tests.faults import poison
from tests.faults.schedule import KINDS, Fault
from tests.faults.target import opened
from tests.support.live import until
from tests.support.tables import Inventory, Orders, Tables
from tests.support.topics import Topics

_AREAS = ("inventory", "orders", "notifications")
_KAFKA = "kafka.shop.svc.cluster.local"
_KAFKA_PORT = 9092
_BACK_SECONDS = 300.0
_DISPATCHER = ("knative-eventing", "app=kafka-source-dispatcher")
_MADE = ("kill", "poison", "rebalance")


class Pods:
    """The shop that `scripts/task deploy` has made."""

    def __init__(self) -> None:
        self.poison: list[str] = []
        self.pending = 0
        self.without: Sequence[str] = [*(k for k in KINDS if k not in _MADE), "stop", "crash"]
        self._stack = contextlib.ExitStack()
        self._databases: dict[str, str] = {}
        self.url = ""

    def __enter__(self) -> Self:
        place = self._stack.enter_context(address.reachable())
        self.url = place.url
        before = {name: os.environ.get(name) for name in place.environment}
        os.environ.update(place.environment)
        self._stack.callback(_restore, before)
        for area in _AREAS:
            data = get("secret", f"{area}-database")[0]["data"]["DATABASE_URL"]
            self._databases[area] = base64.b64decode(data).decode()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def topics(self) -> Topics:
        """The events on Kafka, each time through a port of its own: its pod may have died."""
        return _ForwardedTopics(f"{_KAFKA}:{_KAFKA_PORT}")

    @contextlib.contextmanager
    def tables(self) -> Iterator[tuple[Inventory, Orders, Tables]]:
        """Sessions with the three databases, through a port that is opened meanwhile."""
        with address.forwarded(NAMESPACE, "pod/postgres-0", 5432) as place:
            urls = {}
            for area, url in self._databases.items():
                parts = urlsplit(url)
                login = parts.netloc.rpartition("@")[0]
                urls[area] = urlunsplit(parts._replace(netloc=f"{login}@{place}"))
            with opened(urls) as sessions:
                yield sessions

    async def back(self) -> None:
        """Wait until every pod that is there is ready, PostgreSQL and Kafka above all."""

        async def ready() -> bool:
            with contextlib.suppress(ClusterError):
                return await asyncio.to_thread(_all_ready)
            return False

        await until(ready, "every pod is ready", _BACK_SECONDS)

    async def settle(self) -> bool:
        """PingSource calls settle_orders within the minute."""
        await asyncio.sleep(5.0)
        return True

    async def strike(self, fault: Fault) -> None:
        """Kill a pod, let the sources' consumers rebalance, or send what nobody understands."""
        match fault.kind:
            case "kill":
                await asyncio.to_thread(_kill, fault.target.replace("_", "-"))
            case "rebalance":
                await self._rebalance(fault.seconds)
            case "poison":
                for area in ("inventory", "orders"):
                    with contextlib.suppress(ClusterError, KafkaError):
                        self.poison.append(
                            await asyncio.to_thread(self._poison, fault.target, area)
                        )
            case _:
                raise ValueError(f"There is no fault {fault.kind} on a cluster.")

    def _poison(self, kind: str, area: str) -> str:
        with _kafka_here():
            return poison.send(f"{_KAFKA}:{_KAFKA_PORT}", kind, area)

    async def _rebalance(self, seconds: float) -> None:
        """End the dispatcher that reads for the KafkaSources; its successor joins their groups."""
        namespace, label = _DISPATCHER
        await asyncio.to_thread(
            kubectl, "-n", namespace, "delete", "pod", "-l", label, "--wait=false", "--now"
        )
        await asyncio.sleep(seconds)


class _ForwardedTopics(Topics):
    """Reads Kafka under the name that it advertises inside the cluster."""

    @contextlib.contextmanager
    def _consumer(self, group: str | None) -> Iterator[Any]:
        with _kafka_here(), super()._consumer(group) as consumer:
            yield consumer


@contextlib.contextmanager
def _kafka_here() -> Iterator[None]:
    """Kafka's name inside the cluster leads to this machine, and its port from here to the pod."""
    resolve = socket.getaddrinfo

    def here(host: Any, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host == _KAFKA else host, *arguments, **options)

    with address.forwarded(NAMESPACE, "pod/kafka-0", _KAFKA_PORT, local=_KAFKA_PORT):
        socket.getaddrinfo = here
        try:
            yield
        finally:
            socket.getaddrinfo = resolve


def _kill(name: str) -> None:
    pods = waiting.pods_of({"event-sources": "kafka-source-dispatcher"}.get(name, name))
    if pods:  # What sleeps cannot be killed.
        kubectl(
            "-n", NAMESPACE, "delete", "pod", name_of(pods[0]), "--grace-period=0", "--force",
            "--wait=false",
        )  # fmt: skip


def _all_ready() -> bool:
    pods = [pod for pod in get("pods") if pod["status"].get("phase") not in ("Succeeded", "Failed")]
    names = {name_of(pod) for pod in pods}
    conditions = [
        {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    ]
    ready = all(found.get("Ready") == "True" for found in conditions)
    return ready and {"postgres-0", "kafka-0"} <= names


def _restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
