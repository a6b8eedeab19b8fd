"""Every check of the project, with one summary: `python -m local.suite`.

What only reads the sources runs beside the tests, on whatever processor time they leave; the
stages whose outcome is a matter of time have the machine to themselves.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from local import debian, testing
from local.layout import ROOT, PlatformError

_SOURCES = ("functions", "scripts", "tests")
# As pytest tells them, and as Vitest does.
_COUNTS = re.compile(
    r"^=+ (.*(?:passed|failed|error|skipped).*) in [\d.]+s.*=+$|^ +Tests  (.*) \(\d+\)$",
    re.MULTILINE,
)
# Most of their time is waiting; a file's tests stay together, and each worker starts what it needs.
_BOTH_CORES = ("-n", "2", "--dist", "loadfile")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the summary; `live` stages need a platform that runs."""

    name: str
    command: tuple[str, ...]
    live: bool = False
    aside: bool = False
    """It only reads the sources: it runs beside other stages, and is printed when it has ended."""
    calm: bool = False
    """Clocks decide whether it passes: nothing runs beside it."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables beside those that all stages have; what it runs on, it starts by itself."""
    needs: str | None = None
    """A program without which the stage is left out, but not in continuous integration."""


def _pytest(folder: str, *options: str) -> tuple[str, ...]:
    return ("pytest", f"tests/{folder}", *options)


def _npm(script: str) -> tuple[str, ...]:
    return ("local.storefront.build", "run", "--silent", script)


STAGES = (
    Stage("packages", ("local.debian",)),
    Stage("lint", ("ruff", "check", *_SOURCES)),
    Stage("format", ("ruff", "format", "--check", *_SOURCES)),
    Stage("web-build", ("local.storefront.build",)),
    Stage("types", ("mypy", *_SOURCES), aside=True),
    Stage("web-lint", _npm("lint"), aside=True),
    Stage("web-types", _npm("types"), aside=True),
    Stage("web-api", _npm("api:check"), aside=True),
    Stage("web-unit", _npm("test"), aside=True),
    Stage("unit", _pytest("unit", *_BOTH_CORES)),
    Stage("property", _pytest("property")),
    Stage("integration", _pytest("integration", *_BOTH_CORES), live=True),
    Stage("contract", _pytest("contract", *_BOTH_CORES), live=True),
    Stage("e2e", _pytest("e2e"), live=True, calm=True),
    Stage(
        "e2e-auth",
        ("pytest", *(f"tests/e2e/test_{name}.py" for name in ("accounts", "orders", "storefront"))),
        calm=True,
        environment=(("AUTH", "on"),),
    ),
    Stage("web-e2e", _npm("e2e"), live=True, calm=True, needs="chromium"),
    Stage("faults", _pytest("faults"), calm=True),
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
    done: dict[str, Result] = {}
    with ThreadPoolExecutor(1, "aside") as aside:
        waiting = [
            aside.submit(_run, stage, os.environ, aside=True) for stage in chosen if stage.aside
        ]

        def settle() -> None:
            """Wait for what runs beside."""
            for result in (future.result() for future in waiting):
                done[result.stage.name] = result

        for stage in chosen:
            if not (stage.live or stage.aside or stage.calm):
                done[stage.name] = _run(stage, os.environ)
        live = [stage for stage in chosen if stage.live]
        if live:
            done |= {result.stage.name: result for result in _run_live(live, settle)}
        settle()
        for stage in chosen:
            if stage.calm and not stage.live:
                done[stage.name] = _run(stage, os.environ)
    results = [done[stage.name] for stage in chosen]
    print(summary(results))
    return 0 if all(result.passed for result in results) else 1


def _run_live(stages: list[Stage], settle: Callable[[], None]) -> list[Result]:
    """One platform for all of them: starting it is what costs."""
    print("\n── platform: starts on ports and data of its own", flush=True)
    data = ROOT / ".local" / "test"
    began = time.monotonic()
    results = []
    try:
        with testing.platform(data) as state:
            environment = os.environ | {
                "SHOP_TEST_DATA": str(data),
                "STOREFRONT_URL": state.urls["storefront"],
            }
            for stage in stages:
                if stage.calm:
                    settle()
                results.append(_run(stage, environment))
    except PlatformError as error:
        print(error, file=sys.stderr)
        seconds = time.monotonic() - began
        return [
            Result(stage, passed=False, seconds=seconds, note="no platform") for stage in stages
        ]
    return results


def _run(stage: Stage, environment: Mapping[str, str], *, aside: bool = False) -> Result:
    """Run one stage; its output comes as it is made, or at once at the end where it is aside."""
    title = f"\n── {stage.name}: {' '.join(stage.command)}\n"
    if not aside:
        print(title, end="", flush=True)
    if stage.needs and shutil.which(stage.needs) is None and not debian.in_ci():
        return Result(stage, passed=True, seconds=0.0, note=f"left out: needs {stage.needs}")
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", *stage.command],
        cwd=ROOT,
        env=dict(environment) | dict(stage.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in child.stdout or ():
        lines.append(line)
        if not aside:
            print(line, end="", flush=True)
    status = child.wait()
    if aside:
        print(title + "".join(lines), end="", flush=True)
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
