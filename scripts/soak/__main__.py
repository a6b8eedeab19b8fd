"""Use a shop of its own for an hour at half of what it can, and see whether anything grows:
`python -m soak`, `python -m soak --minutes 15`.
"""  # noqa: D205

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from yarl import URL

from load.run import open_session
from local import testing
from local.layout import PlatformError
from local.state import State
from soak.load import CLIENTS, Load, Window
from soak.samples import Host, Sample, look
from soak.trend import Allowance, trend

_OFFSET = int(os.environ.get("SHOP_TEST_PORT_OFFSET") or 22_000)
_STEP_SECONDS = 6.0
# Caches, pools and the first generations of everything fill while it warms up.
_WARM_UP = 0.2
_SAMPLES = 60
# What the machine's host takes away is felt from here on: half of what the shop bears may then be
# more than all of it.
_NOTICED = 0.05
_LEAST_STEADY = 0.75
_SHORTEST_PAUSE = 10.0

_MEMORY, _ALL_MEMORY = Allowance(0.10, 3.0), Allowance(0.05, 0.0)
# Pools open what a burst needs, and close it when it has been idle: both breathe.
_FILES, _CONNECTIONS, _BACKLOG = Allowance(0.05, 8.0), Allowance(0.10, 4.0), Allowance(0.0, 20.0)
_LATENCY = Allowance(0.25, 5.0)
# Two that fill what they are given, in MB: Kafka's heap grows to what is configured before it is
# collected (256 MB, beside some 110 that are no heap), and Prometheus keeps the samples of up to
# three hours in memory before it writes them.
_BOUNDS = {"kafka": 370.0, "prometheus": 250.0}

Moment = tuple[float, Sample, Window]
Series = tuple[str, str, Allowance, Callable[[Moment], float]]


def main() -> int:
    """Run it; 1 where something grows or a request fails."""
    parser = argparse.ArgumentParser(prog="scripts/task soak --", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second, not the half")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-soak-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        data.chmod(0o755)  # PostgreSQL's user is another one where root runs this.
        try:
            with testing.platform(data, _OFFSET, keep=True) as state:
                moments, rate = asyncio.run(_soak(state, options.minutes * 60, options.rate))
        except PlatformError as error:
            print(error, file=sys.stderr)
            return 1
    return _report(moments, rate)


async def _soak(state: State, seconds: float, rate: float) -> tuple[list[Moment], float]:
    async with open_session(CLIENTS, None) as session:
        load = Load(URL(state.urls["gateway"]), session)
        await load.open()
        if not rate:
            most = await load.capacity(_STEP_SECONDS)
            rate = most / 2
            print(f"{most:.0f} requests a second were answered in time; half of it follows.")
        print(f"{rate:.0f} requests a second for {seconds / 60:g} minutes …", flush=True)
        began = time.monotonic()
        running = asyncio.create_task(load.run(rate, began + seconds))
        pause = max(_SHORTEST_PAUSE, seconds / _SAMPLES)
        moments: list[Moment] = []
        host = Host()
        while not running.done():
            load.window = Window()
            await asyncio.wait({running}, timeout=pause)
            window = load.window
            window.stolen = host.stolen()
            moments.append((time.monotonic() - began, await asyncio.to_thread(look, state), window))
            print(_line(*moments[-1]), flush=True)
        await running
        return moments, rate


def _line(at: float, sample: Sample, window: Window) -> str:
    memory, files = sum(sample.memory.values()), sum(sample.files.values())
    p50, p99 = (1000 * window.percentile(share) for share in (0.5, 0.99))
    return (
        f"  {at / 60:5.1f} min  {window.answers:6} answered  {window.failed} failed"
        f"  p50 {p50:5.1f} ms  p99 {p99:6.1f} ms  {memory:6.0f} MB  {files} files"
        f"  {sample.connections} connections  {sample.backlog} behind"
        f"  {window.stolen:4.0%} stolen"
    )


def _report(moments: list[Moment], rate: float) -> int:
    answered = sum(window.answers for _, _, window in moments)
    failed = sum(window.failed for _, _, window in moments)
    late = sum(window.late for _, _, window in moments)
    print(f"{answered} answered at {rate:.0f}/s, {failed} failed, {late} left out as too late")
    # The last window is cut short, and what was asked for in it may have nothing to be late for.
    warm = [each for each in moments[:-1] if each[0] > _WARM_UP * moments[-1][0]]
    steady = [each for each in warm if each[2].stolen <= _NOTICED]
    print(
        f"{len(warm) - len(steady)} of {len(warm)} windows are left out, in which the machine's "
        f"host took more than {_NOTICED:.0%} of the processors' time\n"
    )
    if len(steady) < _LEAST_STEADY * len(warm):
        print("  That is too many to say whether anything grows.")
        return 1
    times = [each[0] for each in steady]
    print(f"  {'WHAT':<32} {'MEDIAN':>10} {'GROWTH':>10} {'ALLOWED':>10}")
    grown = 0
    for name, unit, allowance, value in _series(steady):
        found = trend(times, [value(moment) for moment in steady], allowance)
        grown += not found.flat
        print(
            f"  {name:<32} {found.level:>7.1f} {unit:<2} {found.growth:>+7.1f} {unit:<2}"
            f" {found.allowed:>7.1f} {unit:<2} {'flat' if found.flat else 'GROWS'}"
        )
    print("\n  Nothing grows." if not grown else f"\n  {grown} of these grow.")
    return 1 if grown or failed else 0


def _series(moments: list[Moment]) -> Iterator[Series]:
    yield (
        "memory of the shop (PSS)",
        "MB",
        _ALL_MEMORY,
        lambda each: sum(size for name, size in each[1].memory.items() if name not in _BOUNDS),
    )
    yield "open files, but PostgreSQL's", "", _FILES, lambda each: sum(each[1].files.values())
    yield "connections to PostgreSQL", "", _CONNECTIONS, lambda each: each[1].connections
    yield "unpublished and undelivered", "", _BACKLOG, lambda each: each[1].backlog
    for share in (0.5, 0.99):
        for title, kinds in (("reads", ("product", "products", "orders")), ("orders", ("order",))):

            def latency(
                each: Moment, share: float = share, kinds: tuple[str, ...] = kinds
            ) -> float:
                return 1000 * each[2].percentile(share, kinds)

            yield f"{title}, p{share * 100:g}", "ms", _LATENCY, latency
    names = set.intersection(*(set(sample.memory) for _, sample, _ in moments))
    for name in sorted(names):
        allowance = Allowance(0.0, 0.0, _BOUNDS[name]) if name in _BOUNDS else _MEMORY
        yield f"memory of {name}", "MB", allowance, lambda each, name=name: each[1].memory[name]  # type: ignore[misc]


if __name__ == "__main__":
    sys.exit(main())
