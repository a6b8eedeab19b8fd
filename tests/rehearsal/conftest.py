"""What a rehearsal is told."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which release is upgraded from."""
    parser.addoption("--before", default="", help="a tag or commit (default: the newest tag)")
