"""Chores of the loops, run by hand, and what they let the metrics show."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shop.chores import Chore
from shop.connection import Connection
from shop.exporting import configure
from shop.settings import Settings
from shop.telemetry import Labels, Reading, Telemetry, Write

# By instrument and labels.
Counts = defaultdict[str, defaultdict[tuple[tuple[str, str], ...], float]]


class Observed:
    """Runs every chore once, and shows the readings."""

    def __init__(self, make: Callable[[Telemetry], Sequence[Chore]], area: str, url: str) -> None:
        self._telemetry = configure(
            Settings({"OTEL_METRICS_EXPORTER": "none"}), function="readings", area=area
        )
        self._reads: dict[str, Callable[[], Iterable[Reading]]] = {}
        self._counts: Counts = defaultdict(lambda: defaultdict(float))
        observed = _Observing(self._telemetry, self._reads, self._counts)
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

    def counted(self, name: str, label: str) -> dict[str, float]:
        """What was added to a counter, by one of its labels."""
        return {dict(labels)[label]: value for labels, value in self._counts[name].items()}


class _Observing(Telemetry):
    """Telemetry that gives away its observed instruments and its counts."""

    def __init__(self, real: Telemetry, reads: dict[str, Any], counts: Counts) -> None:
        super().__init__(real.provider, serves_metrics=False)
        self._reads = reads
        self._counts = counts

    def counter(self, name: str) -> Write:
        """Remember what is added."""

        def add(amount: float, labels: Labels) -> None:
            self._counts[name][tuple(labels.items())] += amount

        return add

    def observe(self, name: str, read: Callable[[], Iterable[Reading]]) -> None:
        """Remember how it is read."""
        self._reads[name] = read
