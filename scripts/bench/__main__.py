"""The command line: `python -m bench [PART…]`."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event

import psycopg

from bench import report
from bench.load import generator_name
from bench.machine import choose_pinning, describe
from bench.options import Options
from bench.processes import ROOT, STATE, BenchError
from bench.report import Result

# These measure one running shop, in this order.
WHOLE = ("orders", "latency", "start")
PARTS = ("reads", "reserve", "gateway", "growth", "telemetry", *WHOLE)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure the shop beside its peers, and against its goals."
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all without one"
    )
    parser.add_argument("--quick", action="store_true", help="shorter runs, for a first look")
    parser.add_argument("--check", action="store_true", help="fail where a goal is not reached")
    parser.add_argument("--rounds", type=int, help="alternating runs whose median counts")
    parser.add_argument("--port", type=int, default=9100, help="the first port; moves all others")
    parsed = parser.parse_args(arguments)
    unknown = set(parsed.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(PARTS)})")
    return parsed


def options_of(arguments: argparse.Namespace) -> Options:
    """Durations and counts of a whole or a quick run."""
    quick: bool = arguments.quick
    return Options(
        pinning=choose_pinning(),
        port=arguments.port,
        rounds=arguments.rounds or (2 if quick else 3),
        seconds=1.5 if quick else 4.0,
        warmup=0.5 if quick else 1.0,
        order_seconds=10.0 if quick else 60.0,
        latency_seconds=10.0 if quick else 40.0,
        limit_seconds=3.0 if quick else 8.0,
        page_seconds=0.15 if quick else 0.5,
        search_seconds=1.0 if quick else 5.0,
        page_rounds=1 if quick else 3,
        catalogue=200_000 if quick else 1_000_000,
        connections=16,
        pool=8,
        quick=quick,
    )


def measuring(part: str) -> Callable[[Options], Result]:
    """Return the function that measures a part which needs no running shop."""
    if part == "reads":
        from bench import reads

        return reads.run
    if part == "reserve":
        from bench import reserve

        return reserve.run
    if part == "gateway":
        from bench import gateway

        return gateway.run
    if part == "telemetry":
        from bench import telemetry

        return telemetry.run
    from bench import growth

    return growth.run


def measure_parts(parts: Sequence[str], options: Options) -> tuple[list[Result], bool]:
    """Measure one part after the other; tells whether all of them could be.

    What breaks is told, and does not stop the parts after it.
    """
    results: list[Result] = []
    whole = [part for part in parts if part in WHOLE]
    alone = [part for part in parts if part not in WHOLE]
    well = True
    for part in alone:
        with _telling_what_breaks(part) as unbroken:
            results.append(show(measuring(part)(options)))
        well &= unbroken.is_set()
    if whole:
        from bench import whole as whole_shop

        with _telling_what_breaks(", ".join(whole)) as unbroken:
            for result in whole_shop.run(whole, options):
                show(result)
                results.append(result)
        well &= unbroken.is_set()
    return results, well


@contextmanager
def _telling_what_breaks(part: str) -> Iterator[Event]:
    """Turn an error into a line; the event is set where there was none."""
    unbroken = Event()
    try:
        yield unbroken
    except (BenchError, OSError, psycopg.Error) as error:
        print(f"\n{part} broke: {error}", file=sys.stderr, flush=True)
    else:
        unbroken.set()


def show(result: Result) -> Result:
    """Print a part's tables as soon as it is measured."""
    for table in result.tables:
        print(table, flush=True)
    return result


def main() -> int:
    """Measure, print, write the result; returns the exit status."""
    arguments = parse()
    options = options_of(arguments)
    began = time.monotonic()
    machine = {
        "machine": describe(),
        "pinning": str(options.pinning),
        "generator": generator_name(),
        "quick": options.quick,
    }
    print(f"{describe()}\n{options.pinning}\nload generator: {generator_name()}", flush=True)
    chosen = [part for part in PARTS if not arguments.parts or part in arguments.parts]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        results, well = measure_parts(chosen, options)
    except KeyboardInterrupt:
        return 130
    print(report.goals_table(results))
    path = STATE / "result.json"
    report.write(path, machine | {"seconds": round(time.monotonic() - began)}, results)
    print(f"\n{time.monotonic() - began:.0f} s; all figures: {path.relative_to(ROOT)}")
    if not well:
        return 2
    below = [goal for result in results for goal in result.goals if not goal.passed]
    return 1 if arguments.check and below else 0


if __name__ == "__main__":
    sys.exit(main())
