"""Tables, goals and the result file."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MOST_FOREIGN = 0.1


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure must reach; `stretch` is where it should go beyond that."""

    name: str
    value: float
    required: float
    unit: str = "x"
    at_least: bool = True
    stretch: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the required bound is kept."""
        return self._keeps(self.required)

    @property
    def verdict(self) -> str:
        """PASS or BELOW, and whether the stretch is reached as well."""
        if not self.passed:
            return "BELOW"
        if self.stretch is None:
            return "PASS"
        return "PASS, goal reached" if self._keeps(self.stretch) else "PASS, goal not reached"

    def cells(self) -> list[str]:
        """One row of the goals' table."""
        sign = "≥" if self.at_least else "≤"
        bound = f"{sign} {figure(self.required)}"
        if self.stretch is not None:
            bound += f" (goal {figure(self.stretch)})"
        return [self.name, figure(self.value), self.unit, bound, self.verdict]

    def _keeps(self, bound: float) -> bool:
        return self.value >= bound if self.at_least else self.value <= bound


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; the first column is text, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __str__(self) -> str:
        lines = [list(self.columns), *map(list, self.rows)]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        out = [f"\n{self.title}"] if self.title else []
        for number, line in enumerate(lines):
            if number == 0 and not any(line):
                continue
            first = line[0].ljust(widths[0])
            rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
            out.append("  " + "  ".join([first, *rest]).rstrip())
            if number == 0:
                out.append("  " + "  ".join("─" * width for width in widths))
        if self.note:
            out.append(f"  {self.note}")
        return "\n".join(out)


@dataclass(slots=True)
class Result:
    """What one part measured."""

    part: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


def figure(value: float) -> str:
    """Write a number with three digits that matter, thousands separated."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def foreign_note(cores: float) -> str:
    """Say how idle the machine was but for the measurement."""
    note = f"Others used {figure(cores)} cores meanwhile."
    return note if cores < MOST_FOREIGN else f"{note} The machine was not idle: measure again."


def goals_table(results: Iterable[Result]) -> Table:
    """Put the goals of all parts side by side."""
    rows = [goal.cells() for result in results for goal in result.goals]
    return Table("Goals", ["", "measured", "", "bound", "verdict"], rows)


def write(path: Path, machine: dict[str, Any], results: Sequence[Result]) -> None:
    """Write all figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "parts": {
            result.part: {
                "goals": [
                    asdict(goal) | {"passed": goal.passed, "verdict": goal.verdict}
                    for goal in result.goals
                ],
                "data": result.data,
            }
            for result in results
        },
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
