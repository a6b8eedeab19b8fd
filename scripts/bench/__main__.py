"""The command line: `python -m bench [PART…]`."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from bench import report
from bench.load import generator_name
from bench.machine import choose_pinning, describe
from bench.options import Options
from bench.processes import ROOT, STATE, BenchError
from bench.report import Result

# These measure one running shop, in this order.
WHOLE = ("orders", "latency", "start")
PARTS = ("reads", "reserve", "growth", *WHOLE)


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
    parser.add_argument("--port", type=int, default=9100, help="the first of 100 free ports")
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
        page_seconds=0.15 if quick else 0.2,
        page_rounds=1 if quick else 3,
        catalogue=200_000 if quick else 1_000_000,
        connections=16,
        pool=8,
        quick=quick,
    )


def measuring(part: str) -> Callable[[Options], Result]:
    """Return the function that measures a part; parts that share a platform are one."""
    if part == "reads":
        from bench import reads

        return reads.run
    if part == "reserve":
        from bench import reserve

        return reserve.run
    from bench import growth

    return growth.run


def measure_parts(parts: Sequence[str], options: Options) -> tuple[list[Result], list[str]]:
    """Measure one part after the other; what broke is told, and does not stop the others."""
    results: list[Result] = []
    broken: list[str] = []
    whole = [part for part in parts if part in WHOLE]
    for part in parts:
        if part in whole:
            continue
        try:
            results.append(show(measuring(part)(options)))
        except BenchError as error:
            broken.append(f"{part}: {error}")
            print(f"\n{part} broke: {error}", file=sys.stderr)
    if whole:
        from bench import whole as whole_shop

        try:
            results.extend(show(result) for result in whole_shop.run(whole, options))
        except BenchError as error:
            broken.append(f"{', '.join(whole)}: {error}")
            print(f"\n{', '.join(whole)} broke: {error}", file=sys.stderr)
    return results, broken


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
    results, broken = measure_parts(chosen, options)
    print(report.goals_table(results))
    path = STATE / "result.json"
    report.write(path, machine | {"seconds": round(time.monotonic() - began)}, results)
    print(f"\n{time.monotonic() - began:.0f} s; all figures: {path.relative_to(ROOT)}")
    if broken:
        return 2
    below = [goal for result in results for goal in result.goals if not goal.passed]
    return 1 if arguments.check and below else 0


if __name__ == "__main__":
    sys.exit(main())
