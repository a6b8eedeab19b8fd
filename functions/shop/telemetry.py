"""A process's meters and spans: what stories and the edge count and record into.

What is measured is declared in `shop.instruments`; where it goes, `shop.exporting` decides.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider

from shop.distributions import Distribution, Distributions
from shop.instruments import BUCKETS, BY_NAME, Instrument, Kind

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from shop.pushing import Pushing
    from shop.spans import Spans

Labels = Mapping[str, str]
Reading = tuple[float, Labels]
Write = Callable[[float, Labels], None]


class Tally:
    """Counts that the exporter reads when it collects; adding to one costs a dict look-up.

    The SDK's own counter takes 7 µs for an addition.
    """

    __slots__ = ("_counts", "_labels")

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *values: str) -> None:
        """Count one more, with the values of the counter's labels in their order."""
        self._counts[values] = self._counts.get(values, 0) + 1

    def begin(self, *values: str) -> None:
        """Show a count of 0 from the start on.

        What appears with its first count has not grown, as Prometheus sees it: the first error of
        a kind would be missing from every rate.
        """
        self._counts.setdefault(values, 0)

    def read(self) -> list[Reading]:
        """Each count with its labels."""
        return [
            (count, dict(zip(self._labels, values, strict=True)))
            for values, count in list(self._counts.items())
        ]


@dataclass(slots=True)
class Telemetry:
    """The process's meters and spans. Only instruments of INSTRUMENTS can be had.

    `spans` is None where no exporter for traces is chosen.
    """

    provider: MeterProvider
    serves_metrics: bool
    tracer_provider: "TracerProvider | None" = None
    spans: "Spans | None" = None
    pushing: "Pushing | None" = None
    distributions: Distributions = field(default_factory=Distributions)
    _made: dict[str, Write] = field(default_factory=dict)

    def counter(self, name: str) -> Write:
        """What adds to the counter: `add(amount, labels)`."""
        declared = self._declared(name, "counter")
        return self.provider.get_meter("shop").create_counter(
            name, unit=declared.unit, description=declared.meaning
        ).add  # fmt: skip

    def tally(self, name: str) -> Tally:
        """The counter as a tally, for what is counted on every request."""
        tally = Tally(self._declared(name, "counter").labels)
        self.observe(name, tally.read)
        return tally

    def histogram(self, name: str) -> Write:
        """What records into the histogram: `record(seconds, labels)`."""
        return self.distribution(name).record

    def distribution(self, name: str) -> Distribution:
        """The histogram itself, for what is to be shown before its first value."""
        declared = self._declared(name, "histogram")
        return self.distributions.make(name, declared.labels, declared.meaning, BUCKETS)

    def count(self, name: str, amount: float, **labels: str) -> None:
        """Add to a counter that a story names."""
        self._instrument(name, self.counter)(amount, labels)

    def record(self, name: str, seconds: float, **labels: str) -> None:
        """Record into a histogram that a story names."""
        self._instrument(name, self.histogram)(seconds, labels)

    def begin_at_zero(self, name: str, **labels: str) -> None:
        """Show a counter or a histogram before its first count."""
        if BY_NAME[name].kind == "histogram":
            self.distribution(name).begin(labels)
        else:
            self.count(name, 0, **labels)

    def observe(self, name: str, read: Callable[[], Iterable[Reading]]) -> None:
        """Let `read` tell the gauge's or counter's values at each collection.

        Of a counter they are totals since ever, as the database knows them.
        """
        declared = BY_NAME[name]

        def observations(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(value, labels) for value, labels in read()]

        meter = self.provider.get_meter("shop")
        make = (
            meter.create_observable_counter
            if declared.kind == "counter"
            else meter.create_observable_gauge
        )
        make(name, callbacks=[observations], unit=declared.unit, description=declared.meaning)

    def exposition(self) -> bytes:
        """What `/metrics` answers: the text format of Prometheus."""
        from prometheus_client import generate_latest

        return generate_latest()

    def begin(self) -> None:
        """Say that every instrument is made and nothing is counted yet."""
        if self.pushing is not None:
            self.pushing.begin(self.provider)

    def shutdown(self) -> None:
        """Export what is not yet exported, and stop."""
        if self.pushing is not None:
            self.pushing.end()
        self.provider.shutdown(timeout_millis=4_000)
        if self.tracer_provider is not None:
            self.tracer_provider.shutdown()

    def _instrument(self, name: str, make: Callable[[str], Write]) -> Write:
        if name not in self._made:
            self._made[name] = make(name)
        return self._made[name]

    @staticmethod
    def _declared(name: str, kind: Kind) -> Instrument:
        declared = BY_NAME[name]
        if declared.kind != kind:
            raise TypeError(f"{name} is declared as a {declared.kind}, not as a {kind}")
        return declared
