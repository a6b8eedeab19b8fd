import random

import pytest

from soak.load import Window
from soak.trend import Allowance, trend

_TIMES = [float(second) for second in range(0, 600, 10)]
_TENTH = Allowance(0.1, 0.0)


def _noise(level: float, slope: float) -> list[float]:
    chance = random.Random(7)
    return [level + slope * second + chance.uniform(-3, 3) for second in _TIMES]


def test_noise_is_flat() -> None:
    assert trend(_TIMES, _noise(100, 0), _TENTH).flat


def test_what_grows_by_a_fifth_is_not_flat() -> None:
    found = trend(_TIMES, _noise(100, 20 / 590), _TENTH)
    assert not found.flat
    assert found.growth == pytest.approx(20, abs=3)


def test_what_fills_what_it_is_given_is_flat_up_to_there() -> None:
    values = _noise(100, 20 / 590)
    assert trend(_TIMES, values, Allowance(0.0, 0.0, bound=124.0)).flat
    assert not trend(_TIMES, values, Allowance(0.0, 0.0, bound=110.0)).flat


def test_one_burst_does_not_make_a_trend() -> None:
    values = _noise(100, 0)
    values[40:45] = [500.0] * 5
    assert trend(_TIMES, values, _TENTH).flat


def test_what_falls_is_flat() -> None:
    assert trend(_TIMES, _noise(100, -0.1), _TENTH).flat


def test_what_is_small_may_grow_by_an_amount() -> None:
    assert trend([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], Allowance(0.0, 2.0)).flat
    assert not trend([0.0, 1.0, 2.0], [0.0, 2.0, 4.0], Allowance(0.0, 2.0)).flat


def test_two_samples_have_no_trend() -> None:
    with pytest.raises(ValueError, match="no trend"):
        trend([0.0, 1.0], [1.0, 2.0], _TENTH)


def test_a_percentile_is_of_the_kinds_that_are_asked_for() -> None:
    window = Window({"order": [0.3, 0.1, 0.2], "product": [0.01]})
    assert window.percentile(0.5, ("order",)) == 0.2
    assert window.percentile(0.0) == 0.01
    assert window.percentile(0.5, ("cancel",)) == 0.0
    assert window.answers == 4
