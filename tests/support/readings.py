"""Chores of the loops, run by hand, and what they let the metrics show."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shop.chores import Chore
from shop.connection import Connection
from shop.settings import Settings
from shop.telemetry import Reading, Telemetry, configure


class Observed:
    """Runs every chore once, and shows the readings."""

    def __init__(self, make: Callable[[Telemetry], Sequence[Chore]], area: str, url: str) -> None:
        self._telemetry = configure(
            Settings({"OTEL_METRICS_EXPORTER": "none"}), function="readings", area=area
        )
        self._reads: dict[str, Callable[[], Iterable[Reading]]] = {}
        observed = _Observing(self._telemetry, self._reads)
        self.chores = {chore.name: chore for chore in make(observed)}
        self._url = url

    def run(self, *names: str) -> None:
        """Run the chores of these names, or all."""
        connection = Connection(self._url, "test-chores")
        for name, chore in self.chores.items():
            if not names or name in names:
                chore.run(connection)
        connection.close()

    def value(self, name: str) -> float:
        """The one reading of an instrument without labels."""
        ((value, labels),) = self._reads[name]()
        assert labels == {}
        return value

    def values(self, name: str, label: str) -> dict[str, float]:
        """The readings by one of their labels."""
        return {labels[label]: value for value, labels in self._reads[name]()}


class _Observing(Telemetry):
    """Telemetry that gives away its observed instruments."""

    def __init__(self, real: Telemetry, reads: dict[str, Any]) -> None:
        super().__init__(real.provider, serves_metrics=False)
        self._reads = reads

    def observe(self, name: str, read: Callable[[], Iterable[Reading]]) -> None:
        """Remember how it is read."""
        self._reads[name] = read
