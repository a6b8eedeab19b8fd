"""What the contract tests hold against one another."""

import pytest

from local import manifests
from local.layout import ROOT
from shop.declaration import Operation
from shop.openapi import FUNCTIONS, load_functions


@pytest.fixture(scope="session")
def operations() -> dict[str, Operation]:
    """The functions by name; those that other tests declare are left out."""
    return {
        name: operation
        for name, operation in load_functions().items()
        if (FUNCTIONS / operation.area / f"{name}.py").exists()
    }


@pytest.fixture(scope="session")
def described() -> manifests.Manifests:
    """What knative/ and eventing/ say."""
    return manifests.read(ROOT)
