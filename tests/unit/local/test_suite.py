from local.suite import STAGES, Result, summary


def test_the_summary_says_what_failed() -> None:
    results = [
        Result(STAGES[0], passed=True, seconds=1.25, note=""),
        Result(STAGES[3], passed=False, seconds=9.0, note="1 failed, 41 passed"),
    ]
    text = summary(results)
    assert "lint           passed" in text
    assert "FAILED" in text
    assert text.endswith("Failed: unit.")


def test_a_summary_without_failures_says_so() -> None:
    assert summary([Result(STAGES[0], passed=True, seconds=1, note="")]).endswith("passed.")
