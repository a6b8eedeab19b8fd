"""Queues in a row, as a discrete-event simulation: what each bears, and where work piles up."""

import random
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy


@dataclass(frozen=True, slots=True)
class Station:
    """A place where work waits for one of some servers.

    A server takes up to `most` pieces at a time; that takes it `fixed` seconds and `each` for every
    piece. Only a `share` of the work comes by; the rest goes on at once.
    """

    name: str
    servers: int
    fixed: float
    each: float
    most: int = 1
    share: float = 1.0

    @property
    def limit(self) -> float:
        """The work a second that it bears at most, of all that enters the shop."""
        return self.servers * self.most / (self.fixed + self.most * self.each) / self.share


@dataclass(slots=True)
class Outcome:
    """What was seen of a station: its share of busy time, and how long work was there."""

    station: Station
    busy: float = 0.0
    seconds: list[float] = field(default_factory=list)
    waiting: int = 0

    @property
    def p99(self) -> float:
        """The 99th percentile of the seconds from arrival to done; infinite where none was done."""
        ordered = sorted(self.seconds)
        return ordered[int(0.99 * len(ordered))] if ordered else float("inf")


def simulate(
    stations: Sequence[Station], rate: float, *, seconds: float = 2.0, seed: int = 1
) -> list[Outcome]:
    """Let work enter at a mean rate, at random moments, and go from station to station."""
    line = _Line(stations, random.Random(seed))  # noqa: S311 - a simulation
    line.run(rate, seconds)
    return line.outcomes


class _Line:
    """The stations in a row, each with its queue and its servers."""

    def __init__(self, stations: Sequence[Station], chance: random.Random) -> None:
        self.outcomes = [Outcome(station) for station in stations]
        self._chance = chance
        self._environment = simpy.Environment()
        self._queues: list[deque[float]] = [deque() for _ in stations]
        self._idle: list[deque[Any]] = [deque() for _ in stations]

    def run(self, rate: float, seconds: float) -> None:
        """Simulate so many seconds."""
        self._environment.process(self._source(rate))
        for place, outcome in enumerate(self.outcomes):
            for _ in range(outcome.station.servers):
                self._environment.process(self._serve(place))
        self._environment.run(until=seconds)
        for outcome, queue in zip(self.outcomes, self._queues, strict=True):
            outcome.busy /= seconds * outcome.station.servers
            outcome.waiting = len(queue)

    def _arrive(self, place: int) -> None:
        while place < len(self.outcomes):
            if self._chance.random() < self.outcomes[place].station.share:
                self._queues[place].append(self._environment.now)
                if self._idle[place]:
                    self._idle[place].popleft().succeed()
                return
            place += 1

    def _source(self, rate: float) -> Generator[Any, Any, None]:
        while True:
            yield self._environment.timeout(self._chance.expovariate(rate))
            self._arrive(0)

    def _serve(self, place: int) -> Generator[Any, Any, None]:
        outcome, queue = self.outcomes[place], self._queues[place]
        station = outcome.station
        while True:
            if not queue:
                woken = self._environment.event()
                self._idle[place].append(woken)
                yield woken
                continue
            taken = [queue.popleft() for _ in range(min(len(queue), station.most))]
            duration = station.fixed + len(taken) * station.each
            yield self._environment.timeout(duration)
            outcome.busy += duration
            for arrived in taken:
                outcome.seconds.append(self._environment.now - arrived)
                self._arrive(place + 1)
