"""The parts of which the relays and the courier are made."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from shop import chores
from shop.chores import Chore, Chores
from shop.exporting import configure
from shop.outage import Outage
from shop.settings import SettingError, Settings
from shop.shelf import Shelf
from tests.support import loops


def test_an_outage_is_said_once_and_tried_ever_more_rarely(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    counted: list[int] = []
    outage = Outage("Kafka", lambda: counted.append(1))

    pauses = [outage.failed(OSError("refused")) for _ in range(8)]
    outage.over()
    outage.over()

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert len(counted) == 8
    assert [record.getMessage()[:21] for record in caplog.records] == [
        "Kafka does not answer",
        "Kafka answers again a",
    ]
    assert outage.failed(OSError()) == 0.1


def test_a_shelf_shows_what_was_put_last_and_nothing_after_it_is_cleared() -> None:
    telemetry = configure(
        Settings({"OTEL_METRICS_EXPORTER": "none"}), function="shelf", area="orders"
    )
    shelf = Shelf(telemetry, "order_stuck_orders", "order_orders")
    read = shelf._reader("order_stuck_orders")
    assert list(read()) == []

    shelf.value("order_stuck_orders", 3)
    shelf.value("order_stuck_orders", 4)
    assert list(read()) == [(4, {})]
    shelf.clear()
    assert list(read()) == []
    with pytest.raises(KeyError):
        shelf.value("order_processing_duration", 1)


class FakeConnection:
    """A connection that does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.closed = False

    def close(self) -> None:
        """Remember."""
        self.closed = True


def run(
    monkeypatch: pytest.MonkeyPatch, made: list[Chore], until: Callable[[], bool]
) -> threading.Event:
    """Run chores until the condition holds; returns the loop's event `stopping`."""
    monkeypatch.setattr(chores, "Connection", FakeConnection)
    with loops.loop("chores", "orders") as loop:
        running = Chores(loop, "", made)
        running.start()
        running.start()
        deadline = time.monotonic() + 5
        while not until():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        loop.stopping.set()
        running._thread.join(5)
        assert not running._thread.is_alive()
        return loop.stopping


def test_chores_run_at_their_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    often: list[float] = []
    seldom: list[float] = []
    run(
        monkeypatch,
        [
            Chore("often", 0.01, lambda _: often.append(1), share=1),
            Chore("seldom", 60, lambda _: seldom.append(1), share=1),
        ],
        lambda: len(often) >= 5,
    )

    assert len(seldom) == 1


def test_a_chore_that_costs_much_rests_the_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[float] = []

    def work(_: object) -> None:
        began.append(time.monotonic())
        time.sleep(0.02)

    run(monkeypatch, [Chore("dear", 0.001, work, share=0.2)], lambda: len(began) == 3)

    assert began[1] - began[0] >= 0.02 + 0.1
    assert began[2] - began[1] >= 0.02 + 0.1


def test_chores_go_on_after_the_database_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    forgotten: list[int] = []

    def work(_: object) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise psycopg.OperationalError("gone")

    run(
        monkeypatch,
        [Chore("read", 0.01, work, share=1, forget=lambda: forgotten.append(1))],
        lambda: len(calls) >= 4,
    )

    assert len(forgotten) == 2


def test_a_thread_that_dies_of_a_defect_ends_the_loop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def defect() -> None:
        raise KeyError("a defect")

    with loops.loop("limping", "orders") as loop:

        def turn() -> float:
            thread = threading.Thread(target=defect, name="beside")
            thread.start()
            thread.join()
            return 60.0

        assert loop.run(turn) == 1

    assert "limping failed in its thread beside" in caplog.text


def test_a_loop_that_hangs_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    with loops.loop("hanging", "orders") as loop:
        assert loop.alive
        monkeypatch.setattr("shop.loop._MOST_SECONDS_PER_TURN", -1.0)
        assert not loop.alive


def test_a_choice_that_is_none_names_the_choices() -> None:
    with pytest.raises(SettingError, match="AREA must be inventory or orders, not 'moon'"):
        Settings({"AREA": "moon"}).one_of("AREA", ("inventory", "orders"))
