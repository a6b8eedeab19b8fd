import os

import pytest

from local import suite
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
