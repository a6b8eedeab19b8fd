"""Whatever goes wrong while the shop is used, nothing is lost, and nothing is done twice."""

import time

import pytest

from tests.faults import schedule
from tests.faults.run import Outcome, under
from tests.faults.schedule import Fault
from tests.faults.shoppers import Shoppers
from tests.faults.target import Target

_ONCE_SECONDS = 45.0
_ROUND_SECONDS = 75.0
_EVERY_SECONDS = 3.0
_LONG_PATIENCE = 240.0


async def _hold(
    target: Target, what: str, seed: int, faults: list[Fault], seconds: float, patience: float
) -> Outcome:
    shoppers = Shoppers(target.url, seed, patience=patience)
    outcome = await under(target, what, faults, shoppers, seconds)
    outcome.replay = f"--seed {seed} --schedule '{'; '.join(map(str, faults))}'"
    return outcome


def _assert_whole(outcome: Outcome, expected: set[str]) -> None:
    found = "\n".join(map(str, outcome.differences[:50]))
    assert outcome.differences == [], f"{outcome.replay}\n{found}"
    statuses = {order.status for order in outcome.history.orders}
    assert statuses >= expected, "too little has happened"


async def test_nothing_is_lost_or_done_twice_whatever_goes_wrong(
    target: Target, outcomes: list[Outcome], seed: int, pytestconfig: pytest.Config
) -> None:
    """Faults drawn from a seed, once or round after round; or those of a list."""
    minutes = pytestconfig.getoption("--minutes") + 60 * pytestconfig.getoption("--hours")
    seconds = _ROUND_SECONDS if minutes else _ONCE_SECONDS
    listed = schedule.read(pytestconfig.getoption("--schedule"))
    if listed:
        seconds = max(fault.at + fault.seconds for fault in listed) + 5
    until = time.monotonic() + 60 * minutes
    while True:
        faults = listed or schedule.draw(
            seed, seconds, every=_EVERY_SECONDS, without=target.without
        )
        outcome = await _hold(target, f"seed {seed}", seed, faults, seconds, 60.0)
        outcomes.append(outcome)
        _assert_whole(outcome, {"confirmed"} if listed else {"confirmed", "rejected", "cancelled"})
        seed += 1
        if listed or time.monotonic() > until:
            return


@pytest.mark.parametrize("kind", ["stop", "crash"])
async def test_a_platform_that_ends_while_it_is_used_goes_on_where_it_was(
    target: Target, outcomes: list[Outcome], seed: int, kind: str, pytestconfig: pytest.Config
) -> None:
    """Stopped by SIGTERM, or its supervisor killed; then started on what is there."""
    if pytestconfig.getoption("--schedule"):
        pytest.skip("a list of faults was given")
    if kind in target.without:
        pytest.skip("a cluster has no supervisor that could end")
    faults = [Fault(3.0, kind)]
    outcome = await _hold(target, f"platform: {kind}", seed, faults, 6.0, _LONG_PATIENCE)
    outcomes.append(outcome)
    _assert_whole(outcome, {"confirmed"})
