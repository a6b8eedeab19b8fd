"""What knative/ and eventing/ say: the local platform runs what the cluster would run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.layout import PlatformError

AREA_LABEL = "shophub.com/area"
DATABASE = "-database"
_DURATION = re.compile(r"PT(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


@dataclass(frozen=True, slots=True)
class Function:
    """A Knative Service. `name` is the function's, with underscores; `service` has dashes."""

    name: str
    area: str
    environment: dict[str, str]
    secrets: tuple[str, ...]

    @property
    def database(self) -> str | None:
        """The area whose database it opens."""
        return _database(self.secrets)

    @property
    def service(self) -> str:
        """The name of the Knative Service."""
        return self.name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Program:
    """A Deployment (a loop) or a Job: a command with its environment."""

    name: str
    area: str | None
    command: tuple[str, ...]
    environment: dict[str, str]
    secrets: tuple[str, ...]

    @property
    def database(self) -> str | None:
        """The area whose database it opens."""
        return _database(self.secrets)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How often, how fast and for how long an event is offered to its sink. Times in seconds."""

    retry: int
    exponential: bool
    delay: float
    timeout: float
    dead_letter_topic: str | None

    def pause(self, retry: int) -> float:
        """Seconds to wait before the given retry, counted from 1, as Knative computes them."""
        return self.delay * (2**retry if self.exponential else retry)


@dataclass(frozen=True, slots=True)
class KafkaSource:
    """A KafkaSource: the topics that feed one sink."""

    name: str
    namespace: str
    topics: tuple[str, ...]
    group: str
    initial_offset: str
    sink: str
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class PingSource:
    """A PingSource: an event on a schedule (cron, five fields)."""

    name: str
    namespace: str
    schedule: str
    content_type: str
    data: bytes
    sink: str


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything that the manifests say and the local platform runs."""

    functions: tuple[Function, ...]
    loops: tuple[Program, ...]
    jobs: tuple[Program, ...]
    kafka_sources: tuple[KafkaSource, ...]
    ping_sources: tuple[PingSource, ...]

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas that have a database."""
        return tuple(sorted({f.area for f in self.functions if f.database}))


def read(root: Path) -> Manifests:
    """Read the manifests below `root`; PlatformError where one says what cannot be run."""
    objects = [
        document
        for folder in ("knative/base", "eventing")
        for path in sorted((root / folder).rglob("*.yaml"))
        if path.parent.name != "patches" and path.name != "kustomization.yaml"
        for document in _documents(path)
    ]
    maps = {
        _name(each): {key: str(value) for key, value in each["data"].items()}
        for each in objects
        if each["kind"] == "ConfigMap"
    }
    sinks = {_name(each): each["spec"]["topic"] for each in objects if each["kind"] == "KafkaSink"}
    return Manifests(
        functions=tuple(_function(each, maps) for each in _of(objects, "Service", "serving")),
        loops=tuple(_program(each, maps) for each in _of(objects, "Deployment", "apps")),
        jobs=tuple(_program(each, maps) for each in _of(objects, "Job", "batch")),
        kafka_sources=tuple(_kafka_source(each, sinks) for each in _of(objects, "KafkaSource")),
        ping_sources=tuple(_ping_source(each) for each in _of(objects, "PingSource")),
    )


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    try:
        for document in yaml.load_all(path.read_text("utf-8"), Loader=_LOADER):
            if isinstance(document, dict) and "kind" in document:
                yield document
    except yaml.YAMLError as error:
        raise PlatformError(f"{path} is not valid YAML: {error}") from None


# libyaml reads the manifests in a tenth of the time, where it is there.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _of(objects: list[dict[str, Any]], kind: str, group: str = "") -> list[dict[str, Any]]:
    return [o for o in objects if o["kind"] == kind and o["apiVersion"].startswith(group)]


def _name(each: dict[str, Any]) -> str:
    return str(each["metadata"]["name"])


def _environment(
    container: dict[str, Any], maps: dict[str, dict[str, str]]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The container's variables, the maps' first as Kubernetes has it, and its Secrets' names."""
    environment: dict[str, str] = {}
    secrets: list[str] = []
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            environment |= maps[source["configMapRef"]["name"]]
        elif "secretRef" in source:
            secrets.append(str(source["secretRef"]["name"]))
    environment |= {each["name"]: str(each["value"]) for each in container.get("env", [])}
    return environment, tuple(secrets)


def _database(secrets: tuple[str, ...]) -> str | None:
    return next((s.removesuffix(DATABASE) for s in secrets if s.endswith(DATABASE)), None)


def _function(each: dict[str, Any], maps: dict[str, dict[str, str]]) -> Function:
    environment, secrets = _environment(each["spec"]["template"]["spec"]["containers"][0], maps)
    name = environment["FUNCTION_TARGET"]
    if name.replace("_", "-") != _name(each):
        raise PlatformError(f"The Service {_name(each)} runs a function of another name, {name}.")
    return Function(name, each["metadata"]["labels"][AREA_LABEL], environment, secrets)


def _program(each: dict[str, Any], maps: dict[str, dict[str, str]]) -> Program:
    container = each["spec"]["template"]["spec"]["containers"][0]
    environment, secrets = _environment(container, maps)
    area = each["metadata"].get("labels", {}).get(AREA_LABEL)
    return Program(_name(each), area, tuple(container["command"]), environment, secrets)


def _kafka_source(each: dict[str, Any], sinks: dict[str, str]) -> KafkaSource:
    spec = each["spec"]
    delivery = spec["delivery"]
    dead_letters = delivery.get("deadLetterSink", {}).get("ref", {}).get("name")
    return KafkaSource(
        name=_name(each),
        namespace=each["metadata"].get("namespace", "shop"),
        topics=tuple(spec["topics"]),
        group=spec["consumerGroup"],
        initial_offset=spec["initialOffset"],
        sink=spec["sink"]["ref"]["name"].replace("-", "_"),
        delivery=Delivery(
            retry=int(delivery["retry"]),
            exponential=delivery["backoffPolicy"] == "exponential",
            delay=seconds(delivery["backoffDelay"]),
            timeout=seconds(delivery["timeout"]),
            dead_letter_topic=sinks[dead_letters] if dead_letters else None,
        ),
    )


def _ping_source(each: dict[str, Any]) -> PingSource:
    spec = each["spec"]
    return PingSource(
        name=_name(each),
        namespace=each["metadata"].get("namespace", "shop"),
        schedule=spec["schedule"],
        content_type=spec.get("contentType", "application/json"),
        data=str(spec.get("data", "")).encode(),
        sink=spec["sink"]["ref"]["name"].replace("-", "_"),
    )


def seconds(duration: str) -> float:
    """An ISO 8601 duration of minutes and seconds, such as PT0.2S, in seconds."""
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        raise PlatformError(f"{duration!r} is no duration of minutes and seconds, such as PT0.2S.")
    minutes, rest = match.groups()
    return 60 * int(minutes or 0) + float(rest or 0)
