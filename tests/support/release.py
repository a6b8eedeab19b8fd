"""What the release before this one was like, kept as data in tests/integration/upgrade."""

import json
from typing import Any

from local.layout import ROOT

BEFORE = ROOT / "tests" / "integration" / "upgrade" / "0.1.0"
# The newest migration that it had, in each area.
HEADS = {"inventory": "0001", "orders": "0001", "notifications": "0001"}


def statements() -> dict[str, dict[str, dict[str, Any]]]:
    """Its statements by area and name: the SQL, and the names of its parameters in order."""
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(
        (BEFORE / "statements.json").read_text()
    )
    return found


def wire() -> dict[str, Any]:
    """What its functions said to each other: a request, an answer and the answer's schema."""
    found: dict[str, Any] = json.loads((BEFORE / "wire.json").read_text())
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each of its events, by type."""
    return {
        path.stem: json.loads(path.read_text()) for path in sorted((BEFORE / "schemas").iterdir())
    }
