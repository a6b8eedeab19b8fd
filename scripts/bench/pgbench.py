"""pgbench: the same statements with nothing around them but PostgreSQL's own client."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.machine import cpu_seconds, on_core
from bench.processes import STATE, BenchError
from local.postgres import program
from shop.database import Statement

_PLACEHOLDER = re.compile(r"\$(\d+)")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([\d.]+) ms", re.MULTILINE)
_COUNT = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Measured:
    """Transactions a second, their mean latency, and PostgreSQL's processor time for each."""

    rate: float
    latency_ms: float
    database_cpu: float


class _Piece(str):
    """SQL among a statement's values, as against a text that is one of them."""

    __slots__ = ()


def script(statement: Statement, values: Mapping[str, str]) -> str:
    """Write a statement as pgbench reads it: each value is a piece of SQL, or a `:variable`.

    Values that are not given keep the statement's own constants.
    """
    arguments = statement.arguments({name: _Piece(value) for name, value in values.items()})

    def piece(match: re.Match[str]) -> str:
        argument = arguments[int(match[1]) - 1]
        return f"({argument})" if isinstance(argument, _Piece) else literal(argument)

    return _PLACEHOLDER.sub(piece, without_colons(statement.sql)).replace("\n", " ").strip()


def without_colons(text: str) -> str:
    """Escape colons inside of literals: pgbench takes `HH24:MI` for a variable named MI."""

    def escaped(match: re.Match[str]) -> str:
        if ":" not in match[0]:
            return match[0]
        return "E" + match[0].replace("\\", "\\\\").replace(":", "\\x3a")

    return _LITERAL.sub(escaped, text)


def ended(text: str, *, into_variables: bool = False) -> str:
    """End a statement; its one row may become variables named as its columns are."""
    return text + (" \\gset\n" if into_variables else ";\n")


def literal(value: object) -> str:
    """Write a constant in SQL. Raises TypeError for what no statement of the shop holds."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case int():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"no SQL for {value!r}")


def run(
    url: str,
    text: str,
    *,
    name: str,
    server: int,
    clients: int,
    seconds: float,
    core: int | None,
) -> Measured:
    """Run a script for whole seconds, after a second of warm-up; `server` is PostgreSQL's pid.

    Raises:
        BenchError: pgbench failed, or a transaction did.
    """
    path = STATE / "pgbench" / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    _once(url, path, clients=clients, seconds=1, core=core)
    before = cpu_seconds(server)
    output = _once(url, path, clients=clients, seconds=max(1, round(seconds)), core=core)
    used = cpu_seconds(server) - before
    failed, count = _FAILED.search(output), _COUNT.search(output)
    rate, latency = _RATE.search(output), _LATENCY.search(output)
    if rate is None or latency is None or count is None or (failed and int(failed[1])):
        raise BenchError(f"pgbench {name}: {output[-500:]}")
    return Measured(float(rate[1]), float(latency[1]), used / int(count[1]) * 1e6)


def _once(url: str, path: Path, *, clients: int, seconds: int, core: int | None) -> str:
    command = [
        str(program("pgbench")), "--no-vacuum", "--protocol=prepared",
        f"--client={clients}", "--jobs=1", f"--time={seconds}", f"--file={path}", url,
    ]  # fmt: skip
    with on_core(core):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    output, complaint = process.communicate()
    if process.returncode != 0 or "aborted" in complaint:
        raise BenchError(f"pgbench {path.name}: {complaint.strip()[-500:]}")
    return output
