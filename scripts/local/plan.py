"""Turns manifests into processes of this machine: commands, ports, and addresses rewritten."""

import json
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local.detours import VARIABLE, Detours
from local.layout import HOST, ROOT, Layout
from local.manifests import DATABASE, Function, Manifests, Program
from shop import keys

Kind = Literal[
    "function",
    "loop",
    "job",
    "front",
    "sources",
    "postgres",
    "kafka",
    "prometheus",
    "grafana",
]

# What the image starts where a manifest names no command.
_FUNCTION_COMMAND = ("python", "-m", "shop.serve")
_SERVICE = re.compile(r"http://([a-z0-9-]+)\.shop\.svc\.cluster\.local")
_KAFKA = "kafka.shop.svc.cluster.local:9092"
# Set in the caller's environment, these win over the ConfigMap.
_FROM_CALLER = re.compile(r"OTEL_\w+|LOG_LEVEL|NOTIFY_URLS|AUTH|RATE_LIMIT\w+|CORS_ORIGINS")
PATIENCE_SECONDS = "8"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE")

# What the first order needs comes first; the rest follows in the order of their names.
_FIRST = ("gateway", "reserve_stock", "create_order", "create_product", "release_stock")


@dataclass(frozen=True, slots=True)
class Spec:
    """A process to run.

    `ready` is the path that answers 200 once it serves, or None; `live` is then the one that
    answers 200 for as long as it need not be restarted.
    """

    name: str
    kind: Kind
    command: tuple[str, ...]
    environment: dict[str, str]
    area: str | None = None
    port: int | None = None
    ready: str | None = None
    live: str = "/health/live"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    user: int | None = None
    cwd: Path = ROOT


class Plan:
    """The processes of one platform."""

    def __init__(self, manifests: Manifests, layout: Layout, databases: dict[str, str]) -> None:
        """`databases` holds the URL of each area's database."""
        self._detours = Detours.from_environment()
        self._layout = layout
        self._databases = databases
        self._manifests = manifests
        self._ports = layout.function_ports([each.name for each in manifests.functions])
        self._loop_ports = layout.loop_ports([each.name for each in manifests.loops])

    def address(self, function: str, client: str = "") -> str:
        """The base URL of a function, as the client is to know it."""
        return self._detours.address(client, function, f"http://{HOST}:{self._ports[function]}")

    def kafka(self, client: str) -> str:
        """Kafka's HOST:PORT, as the client is to know it."""
        return self._detours.address(client, "kafka", self._layout.kafka_address)

    def environment_of(self, function: str) -> dict[str, str]:
        """The variables that a function is started with."""
        return next(spec.environment for spec in self.functions() if spec.name == function)

    def operators_key(self) -> dict[str, str]:
        """The variable by which an operator's commands sign what they send."""
        return self._key(f"{keys.OPERATOR}-signing-key")

    def functions(self) -> list[Spec]:
        """The functions, those that a first order needs in front."""
        specs = [self._function(each) for each in self._manifests.functions]
        rank = {name: place for place, name in enumerate(_FIRST)}
        return sorted(specs, key=lambda spec: (rank.get(spec.name, len(rank)), spec.name))

    def loops(self) -> list[Spec]:
        """Relays and courier."""
        return [
            self._program(each, "loop", self._loop_ports[each.name])
            for each in self._manifests.loops
        ]

    def jobs(self) -> list[Spec]:
        """Migrations and topics."""
        return [self._program(each, "job") for each in self._manifests.jobs]

    def fronts(self) -> Spec:
        """The process that serves each area on a port of its own."""
        return self._own(
            "area-fronts", "front", "local.area_fronts", min(self._layout.areas.values())
        )

    def storefront_build(self) -> Spec:
        """The job that builds the storefront."""
        environment = base_environment()
        command = _python(("python", "-m", "local.storefront.build"))
        return Spec("storefront", "job", command, environment)

    def event_sources(self) -> Spec:
        """The stand-in for Knative's sources."""
        return self._own("event-sources", "sources", "local.events", self._layout.event_sources)

    def _function(self, function: Function) -> Spec:
        environment = self._environment(function)
        port = self._ports[function.name]
        environment |= {"PORT": str(port), "HOST": HOST}
        if "{function}" in environment.pop("UPSTREAM_URL", ""):
            upstreams = {
                each.service: self.address(each.name, function.name)
                for each in self._manifests.functions
            }
            environment["UPSTREAMS"] = json.dumps(upstreams)
        return Spec(
            function.name, "function", _python(_FUNCTION_COMMAND), environment,
            area=function.area, port=port, ready="/health/ready",
        )  # fmt: skip

    def _program(self, program: Program, kind: Kind, port: int | None = None) -> Spec:
        environment = self._environment(program)
        if port is not None:
            environment |= {"PORT": str(port), "HOST": HOST}
        return Spec(
            program.name, kind, _python(program.command), environment,
            area=program.area, port=port, ready="/health/ready" if port else None,
        )  # fmt: skip

    def _own(self, name: str, kind: Kind, module: str, port: int) -> Spec:
        environment = base_environment() | {
            "SHOP_DATA": str(self._layout.data),
            "SHOP_PORT_OFFSET": str(self._layout.offset),
        }
        environment |= self._traces() | _from_caller() | self._detours.of(name)
        if VARIABLE in os.environ:
            environment[VARIABLE] = os.environ[VARIABLE]
        command = _python(("python", "-m", module))
        return Spec(name, kind, command, environment, port=port, ready="/health/ready")

    def _environment(self, declared: Function | Program) -> dict[str, str]:
        name = declared.name
        environment = base_environment() | {
            variable: self._rewritten(name, value)
            for variable, value in declared.environment.items()
        }
        # Here each process shows /metrics; a cluster's functions push to its Collector.
        environment["OTEL_METRICS_EXPORTER"] = "prometheus"
        # What the activator does in a cluster: a request waits for a process that is starting.
        environment["CONNECT_PATIENCE_SECONDS"] = PATIENCE_SECONDS
        environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
        environment |= self._traces()
        if declared.database is not None:
            environment["DATABASE_URL"] = self._detours.database(
                name, self._databases[declared.database]
            )
        for secret in declared.secrets:
            if not secret.endswith(DATABASE):
                environment |= self._key(secret)
        return environment | _from_caller() | self._detours.of(name)

    def _key(self, secret: str) -> dict[str, str]:
        """Read when a process starts: one that starts again has the keys as they are then."""
        path = keys.path_of(secret, self._layout.keys)
        return {f"{keys.variable_of(secret)}_FILE": str(path)}

    def _traces(self) -> dict[str, str]:
        """Spans go to files of this machine, in the place of a Collector."""
        return {"OTEL_TRACES_EXPORTER": "file", "TRACES_FILE": str(self._layout.traces)}

    def _rewritten(self, client: str, value: str) -> str:
        """Addresses of the cluster become those of this machine; what is not here stays."""

        def here(match: re.Match[str]) -> str:
            function = match[1].replace("-", "_")
            return self.address(function, client) if function in self._ports else match[0]

        return _SERVICE.sub(here, value.replace(_KAFKA, self.kafka(client)))


def _from_caller() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if _FROM_CALLER.fullmatch(k)}


def base_environment() -> dict[str, str]:
    """What every Python process of the platform gets."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT / 'scripts'}",
        "PYTHONUNBUFFERED": "1",
    }


def _python(command: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, *command[1:]) if command[0] == "python" else command
