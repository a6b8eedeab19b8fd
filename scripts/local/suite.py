"""Every check of the project, one after another, with one summary: `python -m local.suite`."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local import testing
from local.layout import ROOT, PlatformError

_SOURCES = ("functions", "scripts", "tests")
_COUNTS = re.compile(r"^=+ (.*(?:passed|failed|error|skipped).*) in [\d.]+s.*=+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the summary; `live` stages need a platform that runs."""

    name: str
    command: tuple[str, ...]
    live: bool = False


STAGES = (
    Stage("lint", ("ruff", "check", *_SOURCES)),
    Stage("format", ("ruff", "format", "--check", *_SOURCES)),
    Stage("types", ("mypy", *_SOURCES)),
    Stage("unit", ("pytest", "tests/unit")),
    Stage("property", ("pytest", "tests/property")),
    Stage("integration", ("pytest", "tests/integration"), live=True),
    Stage("contract", ("pytest", "tests/contract"), live=True),
    Stage("e2e", ("pytest", "tests/e2e"), live=True),
    Stage("faults", ("pytest", "tests/faults"), live=True),
)


@dataclass(frozen=True, slots=True)
class Result:
    """How a stage went."""

    stage: Stage
    passed: bool
    seconds: float
    note: str


def main(names: Sequence[str]) -> int:
    """Run the stages that are named, or all; 1 where one failed."""
    unknown = set(names) - {stage.name for stage in STAGES}
    if unknown:
        print(f"There is no stage {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 1
    chosen = [stage for stage in STAGES if not names or stage.name in names]
    results = [_run(stage, os.environ) for stage in chosen if not stage.live]
    live = [stage for stage in chosen if stage.live]
    if live:
        results += _run_live(live)
    print(summary(results))
    return 0 if all(result.passed for result in results) else 1


def _run_live(stages: list[Stage]) -> list[Result]:
    """One platform for all of them: starting it is what costs."""
    print("\n── platform: starts on ports and data of its own", flush=True)
    data = ROOT / ".local" / "test"
    began = time.monotonic()
    try:
        with testing.platform(data):
            environment = os.environ | {"SHOP_TEST_DATA": str(data)}
            return [_run(stage, environment) for stage in stages]
    except PlatformError as error:
        print(error, file=sys.stderr)
        seconds = time.monotonic() - began
        return [
            Result(stage, passed=False, seconds=seconds, note="no platform") for stage in stages
        ]


def _run(stage: Stage, environment: Mapping[str, str]) -> Result:
    print(f"\n── {stage.name}: {' '.join(stage.command)}", flush=True)
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", *stage.command],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in child.stdout or ():
        lines.append(line)
        print(line, end="", flush=True)
    status = child.wait()
    counts = _COUNTS.findall("".join(lines))
    note = counts[-1] if counts else ("" if status == 0 else f"exit status {status}")
    return Result(stage, status == 0, time.monotonic() - began, note)


def summary(results: Sequence[Result]) -> str:
    """The table at the end."""
    rows = ["", f"  {'STAGE':<14} {'RESULT':<8} {'TIME':>8}  TESTS"]
    for result in results:
        word = "passed" if result.passed else "FAILED"
        rows.append(f"  {result.stage.name:<14} {word:<8} {result.seconds:6.1f} s  {result.note}")
    failed = [result.stage.name for result in results if not result.passed]
    rows.append("")
    rows.append("  Everything passed." if not failed else f"  Failed: {', '.join(failed)}.")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
