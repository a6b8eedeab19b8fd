import pytest

from scale.shop import DESIGNS, ONE_MACHINE, Design, stations
from scale.stations import Station, simulate


def test_a_queue_waits_as_theory_says() -> None:
    # One server, a fixed service of 1 ms, half busy: a mean wait of 0.5 ms (Pollaczek-Khinchine).
    (seen,) = simulate([Station("s", 1, 0.001, 0.0)], 500, seconds=100)

    assert seen.busy == pytest.approx(0.5, abs=0.02)
    assert sum(seen.seconds) / len(seen.seconds) == pytest.approx(0.0015, rel=0.05)


def test_what_comes_faster_than_it_goes_piles_up() -> None:
    (seen,) = simulate([Station("s", 2, 0.0, 0.01)], 300, seconds=10)

    assert seen.station.limit == 200
    assert seen.busy == pytest.approx(1, abs=0.01)
    assert seen.waiting == pytest.approx(1_000, rel=0.15)


def test_taking_several_at_a_time_bears_what_one_at_a_time_does_not() -> None:
    alone, together = (Station("s", 1, 0.01, 0.0001, most) for most in (1, 50))

    assert simulate([alone], 1_000)[0].waiting > 1_000
    assert simulate([together], 1_000)[0].waiting < 50
    assert together.limit == pytest.approx(50 / 0.015)


def test_only_a_share_comes_by() -> None:
    first, second = simulate([Station("a", 1, 0, 1e-4), Station("b", 1, 0, 1e-4, share=0.1)], 2_000)

    assert len(second.seconds) == pytest.approx(len(first.seconds) / 10, rel=0.2)


def test_the_same_seed_gives_the_same_result() -> None:
    part = [Station("s", 1, 0.001, 0.0)]

    assert simulate(part, 500)[0].seconds == simulate(part, 500)[0].seconds


def test_the_model_bears_what_the_machine_bears() -> None:
    for design in DESIGNS:
        assert min(part.limit for part in stations(design)) > ONE_MACHINE


def test_taking_reservations_together_lifts_the_hot_row() -> None:
    def row(design: Design) -> float:
        (part,) = (part for part in stations(design) if part.name == "hot row")
        return part.limit

    assert row(DESIGNS[1]) > 5 * row(DESIGNS[0])


def test_the_last_design_bears_a_hundred_times_the_load() -> None:
    assert min(part.limit for part in stations(DESIGNS[-1])) > 100 * ONE_MACHINE


def test_where_all_want_one_product_its_row_breaks_first_unless_they_are_taken_together() -> None:
    alone, together = (min(stations(each, 1.0), key=lambda p: p.limit) for each in DESIGNS[:2])

    assert alone.name == "hot row"
    assert together.name != "hot row"
