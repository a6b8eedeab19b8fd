"""What was last read of a database for the metrics, kept for the scrapes."""

from collections.abc import Callable, Sequence

from shop.telemetry import Labels, Reading, Telemetry


class Shelf:
    """The last readings of some observed instruments; none until the first, nor after `clear`."""

    def __init__(self, telemetry: Telemetry, *names: str) -> None:
        self._readings: dict[str, Sequence[Reading]] = dict.fromkeys(names, ())
        for name in names:
            telemetry.observe(name, self._reader(name))

    def put(self, name: str, readings: Sequence[tuple[float, Labels]]) -> None:
        """Replace an instrument's readings."""
        if name not in self._readings:
            raise KeyError(name)
        self._readings[name] = readings

    def value(self, name: str, value: float) -> None:
        """Replace the one reading of an instrument without labels."""
        self.put(name, ((value, {}),))

    def clear(self) -> None:
        """Forget everything: the database is lost, and what was true need not be any more."""
        for name in self._readings:
            self._readings[name] = ()

    def _reader(self, name: str) -> Callable[[], Sequence[Reading]]:
        return lambda: self._readings[name]
