import contextlib
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from local import suite, testing
from local.suite import STAGES, Result, Stage, summary


def test_the_summary_says_what_failed() -> None:
    results = [
        Result(next(s for s in STAGES if s.name == "lint"), passed=True, seconds=1.25, note=""),
        Result(
            next(s for s in STAGES if s.name == "unit"),
            passed=False,
            seconds=9.0,
            note="1 failed, 41 passed",
        ),
    ]
    text = summary(results)
    assert "lint           passed" in text
    assert "FAILED" in text
    assert text.endswith("Failed: unit.")


def test_a_summary_without_failures_says_so() -> None:
    assert summary([Result(STAGES[0], passed=True, seconds=1, note="")]).endswith("passed.")


def test_a_stage_without_its_program_is_left_out_but_not_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage("web-e2e", ("no.such.module",), needs="no-such-program")
    monkeypatch.setenv("CI", "")
    left_out = suite._run(stage, os.environ)
    assert left_out.passed
    assert left_out.note == "left out: needs no-such-program"
    monkeypatch.setenv("CI", "true")
    assert not suite._run(stage, os.environ).passed


def test_the_counts_of_vitest_are_those_of_the_summary() -> None:
    told = "\x1b[2m      Tests \x1b[22m \x1b[1m18 passed\x1b[22m (18)\n"
    assert suite._COUNTS.findall(suite._COLOUR.sub("", told)) == [("", "18 passed")]


def test_what_only_reads_the_sources_runs_beside_and_is_settled_before_clocks_decide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "slow_check.py").write_text("import time; time.sleep(0.4); print('checked')")
    (tmp_path / "quick_test.py").write_text("print('tested')")
    (tmp_path / "timed_test.py").write_text("print('timed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    stages = (
        Stage("slow-check", ("slow_check",), aside=True),
        Stage("quick-test", ("quick_test",), live=True),
        Stage("timed-test", ("timed_test",), live=True, calm=True),
    )
    monkeypatch.setattr(suite, "STAGES", stages)
    state = SimpleNamespace(urls={"storefront": "http://127.0.0.1:1"})
    monkeypatch.setattr(testing, "platform", lambda _: contextlib.nullcontext(state))
    assert suite.main([]) == 0
    told = capsys.readouterr().out
    assert told.index("tested") < told.index("checked") < told.index("timed")
    assert told.index("slow-check     passed") < told.index("quick-test     passed")


def test_a_check_that_fails_beside_the_tests_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages = (
        Stage("check", ("no.such.module",), aside=True),
        Stage("quick", ("this", "--version")),
    )
    monkeypatch.setattr(suite, "STAGES", stages)
    assert suite.main([]) == 1
