"""The rehearsal: a shop that is used goes from one release to the next, back again, and on.

`scripts/task rehearse:upgrade -- --before 667abf9` prints how long each part took.
"""

from collections.abc import Iterator

import pytest

from tests.faults.run import HEADER, under
from tests.faults.schedule import Fault
from tests.faults.shoppers import Shoppers
from tests.rehearsal.releases import Releases, UnknownReleaseError, newest_tag

_STEPS = (
    Fault(6.0, "migrate"),  # From here on the release before works with the schema of the next.
    Fault(12.0, "become", "after"),
    Fault(12.0, "become", "before"),
    Fault(12.0, "become", "after"),
)
_PATIENCE = 60.0


@pytest.fixture
def releases(pytestconfig: pytest.Config) -> Iterator[Releases]:
    """The platform, all of it as the release before, but what that did not have yet."""
    try:
        before = pytestconfig.getoption("--before") or newest_tag()
        with Releases(before) as made:
            yield made
    except UnknownReleaseError as error:
        pytest.fail(str(error), pytrace=False)


async def test_two_releases_work_side_by_side_in_every_mixture(releases: Releases) -> None:
    """Under load, with the checker of the faults: no difference, and nobody is turned away."""
    shoppers = Shoppers(releases.url, seed=1, patience=_PATIENCE)

    outcome = await under(releases, "upgrade", list(_STEPS), shoppers, seconds=20.0)

    print("  " + ", ".join(f"{what} {n}" for what, n in zip(HEADER, outcome.row(), strict=True)))
    assert outcome.differences == [], "\n".join(map(str, outcome.differences[:50]))
    assert not outcome.repeated, "a request had to be sent again"
    statuses = {order.status for order in outcome.history.orders}
    assert statuses >= {"confirmed", "rejected", "cancelled"}, "too little has happened"
    for function in releases.functions:
        for release in ("before", "after"):
            assert releases.has_run(release, function), f"{function.name} was never of {release}"
