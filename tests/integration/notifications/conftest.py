from collections.abc import Iterator

import pytest

from tests.support import postgres, trust
from tests.support.notifications import Notifications, Told


@pytest.fixture(scope="session")
def told_functions(database_server: postgres.Server) -> Iterator[Told]:
    """The functions of the notifications, started once."""
    functions = Told(database_server.urls["notifications"])
    yield functions
    functions.close()


@pytest.fixture(scope="session")
def guarded_functions(database_server: postgres.Server) -> Iterator[Told]:
    """The functions of the notifications with authentication on, started once."""
    functions = Told(database_server.urls["notifications"], **trust.trusting())
    yield functions
    functions.close()


@pytest.fixture
def guarded(guarded_functions: Told, notifications: Notifications) -> Told:  # noqa: ARG001
    """The functions with authentication on, over an empty database."""
    return guarded_functions


@pytest.fixture
def told(told_functions: Told, notifications: Notifications) -> Told:  # noqa: ARG001
    """The functions, over an empty database."""
    told_functions.measured.clear()
    return told_functions
