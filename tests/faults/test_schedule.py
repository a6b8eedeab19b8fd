"""What goes wrong is drawn from a seed, can be written down, and leaves no part of the shop out."""

from collections import Counter

import pytest

from local import manifests
from local.layout import ROOT
from tests.faults import schedule
from tests.faults.schedule import Fault

_MANIFESTS = manifests.read(ROOT)
_SERVERS = {"postgres", "kafka"}
# Accounts are off where things go wrong.
_FUNCTIONS = {f.service: f.name for f in _MANIFESTS.functions if f.area != "identity"}
_LOOPS = {loop.name for loop in _MANIFESTS.loops}


def _called(environment: dict[str, str]) -> set[str]:
    """The functions that somebody's variables name."""
    named = {
        value.removeprefix("http://").split(".shop.svc")[0]
        for value in environment.values()
        if ".shop.svc" in value
    }
    return {_FUNCTIONS[name] for name in named & _FUNCTIONS.keys()}


def test_every_process_of_the_shop_can_be_killed_and_frozen() -> None:
    assert set(schedule.PROCESSES) == {*_FUNCTIONS.values(), *_LOOPS, *_SERVERS, "event-sources"}


def test_a_link_leads_from_one_process_to_another() -> None:
    ends = {end for link in schedule.LINKS for end in link.split(">")}
    assert ends <= {*schedule.PROCESSES, "client"}


def test_every_call_of_a_function_and_every_wire_of_a_loop_can_be_disturbed() -> None:
    calls = {
        f"{function.name}>{called}"
        for function in _MANIFESTS.functions
        for called in _called(function.environment)
    }
    wires = {f"{loop}>postgres" for loop in _LOOPS} | {
        f"{loop.name}>kafka" for loop in _MANIFESTS.loops if "TOPIC" in loop.environment
    }
    assert {"create_order>reserve_stock", "settle_orders>release_stock"} <= calls
    assert {"orders-relay>kafka", "courier>postgres"} <= wires
    assert calls | wires <= set(schedule.LINKS)


def test_a_seed_always_draws_the_same() -> None:
    drawn = schedule.draw(17, 75.0, every=3.0)
    assert schedule.draw(17, 75.0, every=3.0) == drawn
    assert schedule.draw(18, 75.0, every=3.0) != drawn


def test_each_kind_comes_before_any_comes_again() -> None:
    kinds = [fault.kind for fault in schedule.draw(17, 600.0, every=3.0)]
    counted = Counter(kinds)
    assert set(counted) == set(schedule.KINDS)
    assert max(counted.values()) - min(counted.values()) <= 1


def test_what_cannot_be_made_is_not_drawn() -> None:
    drawn = schedule.draw(17, 600.0, every=3.0, without=("full", "clock"))
    assert {fault.kind for fault in drawn} == set(schedule.KINDS) - {"full", "clock"}


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_is_read_as_it_was_printed(seed: int) -> None:
    drawn = schedule.draw(seed, 75.0, every=3.0)
    assert schedule.read("; ".join(map(str, drawn))) == drawn


def test_a_fault_without_a_target_keeps_its_seconds() -> None:
    assert Fault.read("7 rebalance 3.5") == Fault(7.0, "rebalance", "", 3.5)
    assert Fault.read("2 clock postgres 4 -600") == Fault(2.0, "clock", "postgres", 4.0, -600.0)
