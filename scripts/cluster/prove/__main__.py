"""`python -m cluster.prove [part …]`: every trial, or those that are named."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from cluster.address import Address, reachable
from cluster.kubectl import ClusterError
from cluster.prove import cold_starts, letters, telemetry, trials

Trial = Callable[[Address], Coroutine[Any, Any, None]]

TRIALS: dict[str, Trial] = {
    "ready": trials.ready,
    "telemetry": telemetry.telemetry,
    "suite": trials.suite,
    "burst": trials.burst,
    "update": trials.update,
    "faults": trials.faults,
    "dead-letters": letters.dead_letters,
    "rates": trials.rates,
    "cold-starts": cold_starts.cold_starts,
    "counts": trials.counts,
}


def main(names: list[str]) -> int:
    """Run the trials, one after another; 1 where one did not hold."""
    unknown = set(names) - set(TRIALS)
    if unknown:
        print(f"There is no trial {', '.join(sorted(unknown))}: {', '.join(TRIALS)}.")
        return 2
    results: list[tuple[str, str, float]] = []
    for name, trial in TRIALS.items():
        if names and name not in names:
            continue
        print(f"── {name}: {(trial.__doc__ or '').strip()}", flush=True)
        began = time.monotonic()
        try:
            with reachable() as place:
                asyncio.run(trial(place))
        except ClusterError as error:
            print(f"    FAILED: {error}", flush=True)
            results.append((name, "FAILED", time.monotonic() - began))
        else:
            results.append((name, "holds", time.monotonic() - began))
    print()
    for name, result, seconds in results:
        print(f"  {name:<14} {result:<8} {seconds:7.0f} s")
    return 1 if any(result == "FAILED" for _, result, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
