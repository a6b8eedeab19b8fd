import pytest

from soak.__main__ import Moment, _report
from soak.load import Window
from soak.samples import Host, Sample

_RATE = 10.0


def _moment(
    minute: int, *, stolen: float = 0.0, order: float = 0.02, memory: float = 30.0
) -> Moment:
    window = Window({"order": [order] * 60, "product": [0.005] * 60}, stolen=stolen)
    return 60.0 * minute, Sample({"gateway": memory}, {"gateway": 20}, 40, 2), window


def test_a_shop_that_does_not_grow_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert _report([_moment(minute) for minute in range(1, 61)], _RATE) == 0
    assert "Nothing grows." in capsys.readouterr().out


def test_a_process_that_grows_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert _report([_moment(m, memory=30.0 + 0.2 * m) for m in range(1, 61)], _RATE) == 1
    assert "memory of gateway" in capsys.readouterr().out


def test_a_request_that_fails_fails_it() -> None:
    moments = [_moment(minute) for minute in range(1, 61)]
    moments[3][2].failed = 1
    assert _report(moments, _RATE) == 1


def test_what_is_slow_while_the_host_takes_the_processors_is_left_out() -> None:
    slow = [_moment(minute, stolen=0.3, order=1.0) for minute in range(50, 60)]
    assert _report([*(_moment(m) for m in range(1, 50)), *slow, _moment(60)], _RATE) == 0


def test_what_is_slow_by_itself_is_not() -> None:
    slow = [_moment(minute, order=0.02 + 0.001 * minute) for minute in range(1, 61)]
    assert _report(slow, _RATE) == 1


def test_where_the_host_takes_too_much_nothing_can_be_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    moments = [_moment(m, stolen=0.3 if m > 40 else 0.0) for m in range(1, 61)]
    assert _report(moments, _RATE) == 1
    assert "too many to say" in capsys.readouterr().out


def test_the_share_that_a_host_takes_is_of_the_time_since_the_last_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = iter([(100.0, 7.0), (110.0, 9.0), (120.0, 9.0)])
    monkeypatch.setattr(Host, "_now", staticmethod(lambda: next(looks)))
    monkeypatch.setattr("psutil.cpu_count", lambda: 2)
    host = Host()
    assert host.stolen() == pytest.approx(0.1)
    assert host.stolen() == 0.0
