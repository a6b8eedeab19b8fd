"""A shop that has lost its databases is restored to a moment at which events were on their way."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from local import rehearsal

_OFFSET = int(os.environ.get("SHOP_TEST_PORT_OFFSET", "22000")) + 1_000


def test_what_is_lost_is_restored_and_every_event_is_told_of_once(
    pytestconfig: pytest.Config,
) -> None:
    if pytestconfig.getoption("--knative"):
        pytest.skip("a cluster's database has backups of its own")
    data = Path(tempfile.mkdtemp(prefix="shop-restore-"))
    data.chmod(0o755)  # PostgreSQL's user is another one where root runs this.
    try:
        figures = rehearsal.run(data, _OFFSET)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    assert figures.orders > 8
    assert figures.lost == 10
    assert figures.again >= 5
