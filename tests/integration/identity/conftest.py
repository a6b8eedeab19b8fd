from collections.abc import Iterator

import pytest

from tests.support import postgres
from tests.support.identity import Accounts, Identity


@pytest.fixture(scope="session")
def identity_tables(database_server: postgres.Server) -> Iterator[Identity]:
    """A session with the identity database."""
    tables = Identity(database_server.urls["identity"])
    yield tables
    tables.close()


@pytest.fixture
def identity(identity_tables: Identity) -> Identity:
    """The identity database, empty."""
    identity_tables.empty()
    return identity_tables


@pytest.fixture(scope="session")
def account_functions(database_server: postgres.Server) -> Iterator[Accounts]:
    """The functions of the identity area, started once."""
    functions = Accounts(database_server.urls["identity"])
    yield functions
    functions.close()


@pytest.fixture
def accounts(account_functions: Accounts, identity: Identity) -> Iterator[Accounts]:  # noqa: ARG001
    """The functions, over an empty database; what a test puts in their place goes with it."""
    yield account_functions
    account_functions.restore()
