"""The outcomes of all runs, shown as one table at the end."""

import pytest

from tests.faults.run import HEADER, Outcome

_OUTCOMES = pytest.StashKey[list[Outcome]]()


@pytest.fixture
def outcomes(pytestconfig: pytest.Config) -> list[Outcome]:
    """Where a run leaves its outcome for the table."""
    return pytestconfig.stash.setdefault(_OUTCOMES, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table."""
    rows = [outcome.row() for outcome in config.stash.get(_OUTCOMES, [])]
    if not rows:
        return
    terminalreporter.section("what was killed while orders came in")
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    for row in (HEADER, *rows):
        first, *rest = (
            (text.rjust if column else text.ljust)(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        terminalreporter.write_line("  ".join((first, *rest)))
