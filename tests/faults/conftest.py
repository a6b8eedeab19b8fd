"""Options of the runs, and their outcomes as one table at the end."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.pods import Pods
from tests.faults.processes import Processes
from tests.faults.run import HEADER, Outcome
from tests.faults.target import Target

_OUTCOMES = pytest.StashKey[list[Outcome]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the runs are told."""
    group = parser.getgroup("faults")
    group.addoption("--minutes", type=float, default=0.0, help="go on for so long (default: once)")
    group.addoption("--hours", type=float, default=0.0, help="the same, in hours")
    group.addoption("--seed", type=int, default=None, help="draw the faults of this seed")
    group.addoption("--schedule", default="", help="these faults, and no others; see schedule.py")
    group.addoption("--knative", action="store_true", help="break the shop on kubectl's cluster")


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The one that is named, or another one each time."""
    named: int | None = pytestconfig.getoption("--seed")
    return int(time.time()) % 1_000_000 if named is None else named


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Iterator[Target]:
    """The shop that is broken: one of this session's own, or the one on the cluster."""
    with Pods() if pytestconfig.getoption("--knative") else Processes() as made:
        yield made


@pytest.fixture
def outcomes(pytestconfig: pytest.Config) -> list[Outcome]:
    """Where a run leaves its outcome for the table."""
    return pytestconfig.stash.setdefault(_OUTCOMES, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table, and by what each run can be had again."""
    found = config.stash.get(_OUTCOMES, [])
    if not found:
        return
    rows = [outcome.row() for outcome in found]
    terminalreporter.section("what went wrong while the shop was used")
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    for row in (HEADER, *rows):
        first, *rest = (
            (text.rjust if column else text.ljust)(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        terminalreporter.write_line("  ".join((first, *rest)))
    for outcome in found:
        terminalreporter.write_line(f"\n{outcome.what}: {outcome.replay}")
        for fault, recovery in outcome.recoveries:
            terminalreporter.write_line(f"  {fault!s:<50} {recovery:5.1f} s to the next order")
