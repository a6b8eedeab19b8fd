"""Every check of the project, one after another, with one summary: `python -m local.suite`."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local import debian, testing
from local.layout import ROOT, PlatformError

_SOURCES = ("functions", "scripts", "tests")
# As pytest tells them, and as Vitest does.
_COUNTS = re.compile(
    r"^=+ (.*(?:passed|failed|error|skipped).*) in [\d.]+s.*=+$|^ +Tests  (.*) \(\d+\)$",
    re.MULTILINE,
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the summary; `live` stages need a platform that runs."""

    name: str
    command: tuple[str, ...]
    live: bool = False
    needs: str | None = None
    """A program without which the stage is left out, but not in continuous integration."""


def _npm(script: str) -> tuple[str, ...]:
    return ("local.storefront.build", "run", "--silent", script)


STAGES = (
    Stage("packages", ("local.debian",)),
    Stage("lint", ("ruff", "check", *_SOURCES)),
    Stage("format", ("ruff", "format", "--check", *_SOURCES)),
    Stage("types", ("mypy", *_SOURCES)),
    Stage("web-lint", _npm("lint")),
    Stage("web-types", _npm("types")),
    Stage("web-api", _npm("api:check")),
    Stage("web-unit", _npm("test")),
    Stage("web-build", ("local.storefront.build",)),
    Stage("unit", ("pytest", "tests/unit")),
    Stage("property", ("pytest", "tests/property")),
    Stage("integration", ("pytest", "tests/integration"), live=True),
    Stage("contract", ("pytest", "tests/contract"), live=True),
    Stage("e2e", ("pytest", "tests/e2e"), live=True),
    Stage("web-e2e", _npm("e2e"), live=True, needs="chromium"),
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
        with testing.platform(data) as state:
            environment = os.environ | {
                "SHOP_TEST_DATA": str(data),
                "STOREFRONT_URL": state.urls["storefront"],
            }
            return [_run(stage, environment) for stage in stages]
    except PlatformError as error:
        print(error, file=sys.stderr)
        seconds = time.monotonic() - began
        return [
            Result(stage, passed=False, seconds=seconds, note="no platform") for stage in stages
        ]


def _run(stage: Stage, environment: Mapping[str, str]) -> Result:
    print(f"\n── {stage.name}: {' '.join(stage.command)}", flush=True)
    if stage.needs and shutil.which(stage.needs) is None and not debian.in_ci():
        return Result(stage, passed=True, seconds=0.0, note=f"left out: needs {stage.needs}")
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
    counts = [found[0] or found[1] for found in _COUNTS.findall(_COLOUR.sub("", "".join(lines)))]
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
