from pathlib import Path

import pytest

from shop.settings import SettingError, Settings


def test_a_text_is_what_the_environment_says() -> None:
    assert Settings({"A": " b "}).text("A") == "b"


@pytest.mark.parametrize("environment", [{}, {"A": ""}, {"A": "  "}])
def test_what_is_missing_is_named(environment: dict[str, str]) -> None:
    settings = Settings(environment)

    with pytest.raises(SettingError, match="the environment variable A is not set"):
        settings.text("A")
    assert settings.text("A", "default") == "default"
    assert not settings.has("A")


def test_a_number_lies_within_its_bounds() -> None:
    settings = Settings({"SIZE": "8"})

    assert settings.integer("SIZE", 1, least=8, most=8) == 8
    assert settings.integer("OTHER", 5) == 5
    with pytest.raises(SettingError, match="SIZE must lie between 9 and 10, not at 8"):
        settings.integer("SIZE", 9, least=9, most=10)


@pytest.mark.parametrize("value", ["eight", "1.5", "1e3", "0x8"])
def test_what_is_no_whole_number_is_told(value: str) -> None:
    with pytest.raises(SettingError, match="SIZE must be a whole number"):
        Settings({"SIZE": value}).integer("SIZE", 1)


@pytest.mark.parametrize(("value", "seconds"), [("0.5", 0.5), ("1e1", 10.0), ("3600", 3600.0)])
def test_a_duration_may_be_fractional(value: str, seconds: float) -> None:
    assert Settings({"WAIT": value}).seconds("WAIT", 1.0) == seconds


@pytest.mark.parametrize("value", ["0", "-1", "3601", "inf", "nan", "soon"])
def test_a_duration_is_positive_and_bounded(value: str) -> None:
    with pytest.raises(SettingError, match="WAIT must"):
        Settings({"WAIT": value}).seconds("WAIT", 1.0)


def test_a_choice_is_one_of_those_there_are() -> None:
    assert Settings({"AREA": "orders"}).one_of("AREA", ("inventory", "orders")) == "orders"
    with pytest.raises(SettingError, match="AREA must be inventory or orders, not 'x'"):
        Settings({"AREA": "x"}).one_of("AREA", ("inventory", "orders"))


def test_the_processs_environment_is_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SETTING", "x")

    assert Settings().text("A_SETTING") == "x"


def test_a_file_may_hold_the_value(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("abc\n")
    settings = Settings({"KEYS_FILE": str(tmp_path / "keys")})
    assert settings.has("KEYS")
    assert settings.text("KEYS") == "abc"
    with pytest.raises(SettingError, match=r"KEYS_FILE names .*none: No such file"):
        Settings({"KEYS_FILE": str(tmp_path / "none")}).text("KEYS")
