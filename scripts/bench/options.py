"""What a run of the benchmark is told."""

from dataclasses import dataclass

from bench.machine import Pinning


@dataclass(frozen=True, slots=True)
class Options:
    """Durations in seconds; ports from `port` on."""

    pinning: Pinning
    port: int
    rounds: int
    seconds: float
    warmup: float
    order_seconds: float
    latency_seconds: float
    limit_seconds: float
    page_seconds: float
    search_seconds: float
    page_rounds: int
    catalogue: int
    connections: int
    pool: int
    quick: bool
