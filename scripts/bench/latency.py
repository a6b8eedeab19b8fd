"""From an order's commit to its stored notification, as the shop's own metric tells it."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from bench.load import send
from bench.options import Options
from bench.orders import make_products, order_load, wait_until_notified
from bench.processes import BenchError, fetch
from bench.report import Goal, Result, Table, figure
from local.state import State

RATE = 50.0
MOST_P50_MS, MOST_P99_MS = 25.0, 150.0
PRODUCTS = 50
_CONNECTIONS = 10
_METRIC = "notification_event_latency_seconds"
_STORED = """
SELECT count(*),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
  percentile_cont(0.99) WITHIN GROUP (ORDER BY took), max(took)
FROM (
  SELECT extract(epoch FROM created_at - event_time)::float8 * 1000 AS took
  FROM notifications WHERE id > %s
) AS notified
"""

Buckets = Mapping[float, float]


def run(state: State, options: Options) -> Result:
    """Place 50 orders a second; compare the metric's histogram before and after."""
    first, last = make_products(state, PRODUCTS)
    load = order_load(
        state, first, last, connections=_CONNECTIONS, seconds=options.latency_seconds, rate=RATE
    )
    with psycopg.connect(state.databases["notifications"], autocommit=True) as connection:
        newest = _row(connection, "SELECT coalesce(max(id), 0) FROM notifications")[0]
        before = read_buckets(state)
        answers = send(load, core=None)
        wait_until_notified(state, since=time.monotonic())
        histogram = difference(before, read_buckets(state))
        count, p50_stored, p99_stored, longest = _row(connection, _STORED, newest)
    if answers.failures:
        raise BenchError(f"orders at {RATE:.0f}/s: {answers.statuses} {answers.examples}")
    events = histogram[float("inf")]
    p50, p99 = (quantile(share, histogram) * 1000 for share in (0.5, 0.99))
    result = Result("latency")
    rows = [
        [f"metric ({events:.0f} events)", figure(p50), figure(p99), ""],
        [f"database ({count} rows)", figure(p50_stored), figure(p99_stored), figure(longest)],
        ["the orders' own answers", figure(answers.latency_ms["p50"]),
         figure(answers.latency_ms["p99"]), figure(answers.latency_ms["max"])],
    ]  # fmt: skip
    title = f"commit to stored notification, {answers.rate:.0f} orders/s"
    note = f"metric: {_METRIC}, interpolated within its buckets."
    result.tables.append(Table(title, ["", "p50 ms", "p99 ms", "max ms"], rows, note))
    result.goals = [
        Goal("commit to notification, p50", p50, MOST_P50_MS, unit="ms", at_least=False),
        Goal("commit to notification, p99", p99, MOST_P99_MS, unit="ms", at_least=False),
    ]
    result.data = {
        "orders_per_second": answers.rate,
        "metric": {"events": events, "p50_ms": p50, "p99_ms": p99,
                   "buckets": {str(bound): count for bound, count in histogram.items()}},
        "database": {"rows": count, "p50_ms": p50_stored, "p99_ms": p99_stored, "max_ms": longest},
        "order_latency_ms": answers.latency_ms,
    }  # fmt: skip
    return result


def read_buckets(state: State) -> Counter[float]:
    """Read the histogram of all notifiers, cumulative counts by upper bound in seconds."""
    address = urlsplit(state.urls["notifications"]).netloc
    status, _, exposition = fetch(address, "/metrics")
    if status != 200:
        raise BenchError(f"/metrics of the notifications answers {status}")
    return parse_buckets(exposition.decode())


def parse_buckets(exposition: str) -> Counter[float]:
    """Sum the histogram over all of its labels but the bound."""
    buckets: Counter[float] = Counter()
    for family in text_string_to_metric_families(exposition):
        if family.name != _METRIC:
            continue
        for sample in family.samples:
            if sample.name == f"{_METRIC}_bucket":
                buckets[float(sample.labels["le"])] += sample.value  # type: ignore[assignment]
    return buckets


def difference(before: Buckets, after: Buckets) -> dict[float, float]:
    """Return what was counted between two readings.

    Raises:
        BenchError: nothing was, or a notifier has restarted meanwhile.
    """
    counted = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    if not counted or counted[float("inf")] <= 0 or min(counted.values()) < 0:
        raise BenchError(f"{_METRIC} has counted nothing, or a notifier restarted")
    return counted


def quantile(share: float, cumulative: Buckets) -> float:
    """Interpolate a quantile within its bucket, in seconds, as histogram_quantile does."""
    bounds = sorted(cumulative)
    rank = share * cumulative[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        within = cumulative[bound]
        if within >= rank:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * (rank - below) / (within - below)
        lower, below = bound, within
    return lower


def _row(
    connection: psycopg.Connection[tuple[Any, ...]], query: str, *values: object
) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), values or None).fetchone()
    if row is None:
        raise BenchError(f"no answer to {query}")
    return row
