"""The result of a load as a small table."""

import math
from collections.abc import Sequence

from load.run import Phase

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed."""
    rank = max(1, math.ceil(share * len(sorted_values)))
    return sorted_values[rank - 1]


def table(phases: Sequence[Phase]) -> str:
    """Write a row a phase: how many, how fast, which statuses were seen. Times in milliseconds."""
    header = ["", "requests", "per second", *(f"{name} ms" for name in PERCENTILES)]
    rows = [header, *(_row(phase) for phase in phases)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    ends = ["statuses", *(_statuses(phase) for phase in phases)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            + [end]
        )
        for row, end in zip(rows, ends, strict=True)
    )


def _row(phase: Phase) -> list[str]:
    answered = len(phase.latencies)
    rate = f"{answered / phase.seconds:,.0f}" if phase.seconds else "-"
    ordered = sorted(phase.latencies)
    times = [
        f"{percentile(ordered, share) * 1000:,.1f}" if ordered else "-"
        for share in PERCENTILES.values()
    ]
    return [phase.name, f"{answered + phase.unanswered:,}", rate, *times]


def _statuses(phase: Phase) -> str:
    seen = [f"{status} × {count:,}" for status, count in sorted(phase.statuses.items())]
    if phase.unanswered:
        seen.append(f"no answer × {phase.unanswered:,}")
    return ", ".join(seen) or "-"
