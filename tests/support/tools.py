"""Programs that some checks need and no package of Python brings."""

import os
import shutil

import pytest


def need(program: str) -> str:
    """The program's path. Where it is missing the test is skipped, and in CI it fails."""
    path = shutil.which(program)
    if path is None:
        message = f"{program} is not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
