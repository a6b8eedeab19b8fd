"""The arithmetic behind the proof."""

from typing import Any

import pytest

from cluster.prove.prometheus import Prometheus
from cluster.prove.traffic import Tally


def test_percentiles_are_those_of_the_answers() -> None:
    tally = Tally(latencies=[n / 1000 for n in range(1, 101)], seconds=10.0)
    assert tally.rate == 10.0
    assert tally.percentile(0.5) == pytest.approx(51.0)
    assert tally.percentile(0.95) == pytest.approx(96.0)
    assert Tally().percentile(0.5) == 0.0


def test_an_increase_is_asked_for_from_one_sample_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, float | None]] = []

    def query(_: Prometheus, expression: str, at: float | None = None) -> list[Any]:
        asked.append((expression, at))
        return [{"value": [at, "400.0005"]}]

    monkeypatch.setattr(Prometheus, "query", query)
    watching = Prometheus("127.0.0.1:9090")
    assert watching.increase('orders_total{status="confirmed"}', 1000.0, 1600.0) == 400.0005
    assert asked == [('sum(increase(orders_total{status="confirmed"}[600001ms]))', 1600.0)]


def test_a_series_that_is_not_there_has_not_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prometheus, "query", lambda *_: [])
    watching = Prometheus("127.0.0.1:9090")
    assert watching.increase("nothing_total", 0.0, 600.0) == 0.0
    assert watching.samples("nothing_total", "1m") == []
