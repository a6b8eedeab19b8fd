"""The process environment, read once by the wiring and nowhere else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class SettingError(Exception):
    """A setting is missing or wrong; the message names the variable and says what it wants."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A view of environment variables that fails loudly and by name.

    A variable that is set to nothing counts as not set. Where NAME is not set, NAME_FILE may name
    a file that holds its value.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def text(self, name: str, default: str | None = None) -> str:
        """The variable as text; SettingError where it is missing and has no default."""
        value = self._given(name) or default
        if value is None:
            raise SettingError(f"the environment variable {name} is not set")
        return value

    def one_of(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """The variable as one of the choices."""
        value = self.text(name, default)
        if value not in choices:
            raise SettingError(f"{name} must be {' or '.join(choices)}, not {value!r}")
        return value

    def switch(self, name: str, default: str) -> bool:
        """The variable as `on` or `off`."""
        value = self.text(name, default)
        if value not in ("on", "off"):
            raise SettingError(f"{name} must be on or off, not {value!r}")
        return value == "on"

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
        """The variable as a whole number within [least, most]."""
        value = self.text(name, str(default))
        try:
            number = int(value)
        except ValueError:
            raise SettingError(f"{name} must be a whole number, not {value!r}") from None
        if not least <= number <= most:
            raise SettingError(f"{name} must lie between {least} and {most}, not at {number}")
        return number

    def seconds(self, name: str, default: float, *, most: float = 3600.0) -> float:
        """The variable as a positive duration in seconds."""
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            raise SettingError(f"{name} must be a number of seconds, not {value!r}") from None
        if not 0 < number <= most:
            raise SettingError(f"{name} must lie between 0 and {most} s, not at {number}")
        return number

    def share(self, name: str, default: float) -> float:
        """The variable as a number from 0 to 1."""
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            raise SettingError(f"{name} must be a number from 0 to 1, not {value!r}") from None
        if not 0 <= number <= 1:
            raise SettingError(f"{name} must lie between 0 and 1, not at {number}")
        return number

    def has(self, name: str) -> bool:
        """Whether the variable is set to something."""
        return bool(self._given(name))

    def _given(self, name: str) -> str:
        value = self.environment.get(name, "").strip()
        if value or f"{name}_FILE" not in self.environment:
            return value
        path = self.environment[f"{name}_FILE"]
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE names {path}: {error.strerror}") from None
