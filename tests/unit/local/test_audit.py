import pytest

from local.audit import judge


@pytest.mark.parametrize(
    ("status", "said", "verdict"),
    [
        (0, "No known vulnerabilities found", "well"),
        (1, "Found 1 known vulnerability in 1 package", "vulnerable"),
        (
            0,
            "yarl  Dependency not found on PyPI and could not be audited: yarl (1.25.1)",
            "unknown",
        ),
        (1, "npm error audit endpoint returned an error", "unknown"),
        (1, "requests.exceptions.ConnectionError: HTTPSConnectionPool", "unknown"),
    ],
)
def test_an_audit_that_asked_nobody_is_not_taken_for_a_clean_one(
    status: int, said: str, verdict: str
) -> None:
    assert judge("a lock", status, said).verdict == verdict
