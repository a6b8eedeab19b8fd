import math

import pytest

from bench.latency import difference, parse_buckets, quantile
from bench.machine import Usage, foreign_cores
from bench.orders import lowest_window
from bench.processes import BenchError
from bench.report import Goal, Table, figure

EXPOSITION = """
# TYPE notification_event_latency_seconds histogram
notification_event_latency_seconds_bucket{type="a",le="0.01"} 1.0
notification_event_latency_seconds_bucket{type="a",le="+Inf"} 2.0
notification_event_latency_seconds_count{type="a"} 2.0
notification_event_latency_seconds_sum{type="a"} 1.0
notification_event_latency_seconds_bucket{type="b",le="0.01"} 3.0
notification_event_latency_seconds_bucket{type="b",le="+Inf"} 3.0
notification_event_latency_seconds_count{type="b"} 3.0
notification_event_latency_seconds_sum{type="b"} 0.01
"""


def test_a_histogram_is_summed_over_its_labels() -> None:
    assert parse_buckets(EXPOSITION) == {0.01: 4.0, math.inf: 5.0}


def test_a_quantile_lies_within_its_bucket_as_far_as_its_rank_does() -> None:
    cumulative = {0.01: 10.0, 0.02: 30.0, 0.05: 40.0, math.inf: 40.0}

    assert quantile(0.25, cumulative) == pytest.approx(0.01)
    assert quantile(0.5, cumulative) == pytest.approx(0.015)
    assert quantile(1.0, cumulative) == pytest.approx(0.05)


def test_a_quantile_beyond_the_last_bound_is_that_bound() -> None:
    assert quantile(0.99, {0.01: 1.0, 10.0: 2.0, math.inf: 100.0}) == 10.0


def test_only_what_was_counted_in_between_counts() -> None:
    assert difference({0.1: 3.0, math.inf: 4.0}, {0.1: 5.0, math.inf: 9.0}) == {
        0.1: 2.0,
        math.inf: 5.0,
    }


@pytest.mark.parametrize("after", [{math.inf: 4.0}, {math.inf: 1.0}])
def test_a_histogram_that_stood_still_or_began_anew_is_no_measurement(
    after: dict[float, float],
) -> None:
    with pytest.raises(BenchError):
        difference({math.inf: 4.0}, after)


def test_a_goal_says_whether_its_bound_and_its_stretch_are_kept() -> None:
    def verdict(value: float) -> str:
        return Goal("ratio", value, 0.25, stretch=0.4).verdict

    assert verdict(0.2) == "BELOW"
    assert verdict(0.3) == "PASS, goal not reached"
    assert verdict(0.4) == "PASS, goal reached"
    assert Goal("latency", 51.0, 50.0, at_least=False).verdict == "BELOW"
    assert Goal("latency", 50.0, 50.0, at_least=False).verdict == "PASS"


def test_figures_have_three_digits_that_matter() -> None:
    assert [figure(value) for value in (0.256, 3.14159, 31.4159, 1234.6)] == [
        "0.26",
        "3.14",
        "31.4",
        "1,235",
    ]


def test_a_table_aligns_names_left_and_figures_right() -> None:
    table = str(Table("rates", ["", "a second"], [["shop", "3,000"], ["peer", "900"]]))

    assert table.splitlines()[-2:] == ["  shop     3,000", "  peer       900"]


def test_the_lowest_window_shows_a_load_that_was_not_held() -> None:
    assert lowest_window([300, 300, 100, 200, 300], 2) == 150
    assert lowest_window([300], 5) == 300


def test_what_the_measurement_used_itself_is_not_foreign() -> None:
    before, after = Usage(0.0, 10.0, 4.0), Usage(2.0, 13.0, 6.0)

    assert foreign_cores(before, after) == pytest.approx(0.5)
