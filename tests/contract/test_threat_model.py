"""Each threat in docs/threat-model.md names what is done, and a test that exists."""

import re

import pytest

from local.layout import ROOT

MODEL = ROOT / "docs" / "threat-model.md"
ROWS = re.findall(r"^\| ([STRIDE]) \| (.+?) \| (.+?) \| (.+?) \|$", MODEL.read_text(), re.MULTILINE)


def test_every_letter_is_there_and_every_row_is_whole() -> None:
    rows = [line for line in MODEL.read_text().splitlines() if re.match(r"\| \*?[A-Z]\*? \|", line)]

    assert len(ROWS) == len(rows)
    assert {letter for letter, *_ in ROWS} == set("STRIDE")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:50])
def test_a_threat_names_tests_that_exist(row: tuple[str, str, str, str]) -> None:
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", row[3])

    assert named, "a threat without a test is not held by anything"
    for path, test in named:
        assert (ROOT / path).is_file()
        assert not test or f"def {test}(" in (ROOT / path).read_text()
