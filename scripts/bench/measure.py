"""One measured run of a load, and what several runs come to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.load import Answers, Load, send
from bench.machine import cpu_seconds, foreign_cores, usage
from bench.processes import BenchError


@dataclass(frozen=True, slots=True)
class Run:
    """One run: answers, and processor time per request in microseconds."""

    answers: Answers
    server_cpu: float
    database_cpu: float
    foreign_cores: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The medians of alternating runs."""

    rate: float
    p50: float
    p99: float
    server_cpu: float
    database_cpu: float
    foreign_cores: float
    rates: tuple[float, ...]


def measure(load: Load, *, server: int, database: int, core: int | None) -> Run:
    """Warm up, then send a load at a server and count what it and PostgreSQL used.

    Raises:
        BenchError: an answer was not the expected one. A rate of errors is no rate.
    """
    if load.warmup > 0:
        send(replace(load, seconds=load.warmup, warmup=0.0), core=core)
    before = cpu_seconds(server), cpu_seconds(database)
    machine = usage(server, database)
    answers = send(replace(load, warmup=0.0), core=core)
    foreign = foreign_cores(machine, usage(server, database))
    after = cpu_seconds(server), cpu_seconds(database)
    if answers.failures or not answers.requests:
        raise BenchError(
            f"{load.method} {load.path}: {answers.failures} of {answers.requests} answers were not "
            f"{load.expect}: {answers.statuses}, such as {answers.examples}"
        )
    server_cpu, database_cpu = (
        (late - early) / answers.requests * 1e6 for early, late in zip(before, after, strict=True)
    )
    return Run(answers, server_cpu, database_cpu, foreign)


def summarise(runs: Sequence[Run]) -> Summary:
    """Take the median of each figure."""
    return Summary(
        rate=median(run.answers.rate for run in runs),
        p50=median(run.answers.latency_ms["p50"] for run in runs),
        p99=median(run.answers.latency_ms["p99"] for run in runs),
        server_cpu=median(run.server_cpu for run in runs),
        database_cpu=median(run.database_cpu for run in runs),
        foreign_cores=median(run.foreign_cores for run in runs),
        rates=tuple(run.answers.rate for run in runs),
    )
