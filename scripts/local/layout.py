"""Where the local platform keeps its data and on which ports it listens."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"

_STOREFRONT = 3000
_GATEWAY = 8080
_AREAS = {"inventory": 8081, "orders": 8082, "notifications": 8083}
_FIRST_FUNCTION = 8101
_FIRST_LOOP = 8131
_EVENT_SOURCES = 8140
_POSTGRES = 8154
_KAFKA = 8192
_KAFKA_CONTROLLER = 8193
_PROMETHEUS = 9090
_GRAFANA = 3001


class PlatformError(Exception):
    """Something keeps the platform from running; the message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths and ports of one platform; two with other `data` and `offset` run side by side."""

    data: Path
    offset: int = 0
    elsewhere: Path | None = None
    """The folder of backups, where it is not below `data`."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Layout":
        """The layout that SHOP_DATA, SHOP_PORT_OFFSET and SHOP_BACKUPS name.

        Their defaults are .local, 0, and the folder `backups` of the data.
        """
        text = environment.get("SHOP_PORT_OFFSET") or "0"
        if not text.isdigit() or int(text) > 50_000:
            raise PlatformError(
                f"SHOP_PORT_OFFSET must be a whole number from 0 to 50000, not {text!r}."
            )
        backups = environment.get("SHOP_BACKUPS")
        return cls(
            _placed(environment.get("SHOP_DATA") or ".local"),
            int(text),
            _placed(backups) if backups else None,
        )

    @property
    def backups(self) -> Path:
        """The folder of backups, and of the archives beside them."""
        return self.elsewhere or self.data / "backups"

    @property
    def logs(self) -> Path:
        """Where each process's output is kept as it came."""
        return self.data / "logs"

    @property
    def traces(self) -> Path:
        """The file of spans; the one before it has `.1` at its end."""
        return self.data / "traces" / "spans.jsonl"

    @property
    def keys(self) -> Path:
        """The folder of those who sign, with a folder for each Secret."""
        return self.data / "keys"

    @property
    def state(self) -> Path:
        """The file that tells tools what runs where, while it runs."""
        return self.data / "state.json"

    @property
    def lock(self) -> Path:
        """The file that a running platform holds locked."""
        return self.data / "lock"

    @property
    def storefront(self) -> int:
        """The storefront's port."""
        return _STOREFRONT + self.offset

    @property
    def gateway(self) -> int:
        """The gateway's port."""
        return _GATEWAY + self.offset

    @property
    def areas(self) -> dict[str, int]:
        """The port of each area's front."""
        return {area: port + self.offset for area, port in _AREAS.items()}

    @property
    def postgres(self) -> int:
        """PostgreSQL's port."""
        return _POSTGRES + self.offset

    @property
    def kafka(self) -> int:
        """The port of Kafka's broker."""
        return _KAFKA + self.offset

    @property
    def kafka_controller(self) -> int:
        """The port of Kafka's controller."""
        return _KAFKA_CONTROLLER + self.offset

    def kafka_detour(self, number: int) -> int:
        """The port on which Kafka answers those of a detour, counted from 0."""
        return self.kafka_controller + 1 + number

    @property
    def prometheus(self) -> int:
        """Prometheus' port."""
        return _PROMETHEUS + self.offset

    @property
    def grafana(self) -> int:
        """Grafana's port."""
        return _GRAFANA + self.offset

    @property
    def event_sources(self) -> int:
        """The port on which the stand-in for KafkaSource and PingSource shows its state."""
        return _EVENT_SOURCES + self.offset

    @property
    def kafka_address(self) -> str:
        """What clients of Kafka connect to."""
        return f"{HOST}:{self.kafka}"

    def function_ports(self, names: list[str]) -> dict[str, int]:
        """A port for each function: the gateway's own, then in the order of their names."""
        ports = {"gateway": self.gateway}
        others = sorted(set(names) - {"gateway"})
        return ports | {name: _FIRST_FUNCTION + self.offset + i for i, name in enumerate(others)}

    def loop_ports(self, names: list[str]) -> dict[str, int]:
        """A port for each loop, in the order of their names."""
        return {name: _FIRST_LOOP + self.offset + i for i, name in enumerate(sorted(names))}


def shop_url(environment: Mapping[str, str] = os.environ) -> str:
    """The gateway that a tool is to talk to: SHOP_URL, or that of this machine's platform."""
    return (
        environment.get("SHOP_URL")
        or f"http://localhost:{Layout.from_environment(environment).gateway}"
    )


def _placed(text: str) -> Path:
    """A folder that a variable names; a relative one lies below the project."""
    return ROOT / Path(text).expanduser()
