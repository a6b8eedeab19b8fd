"""functions/README.md tells of each function what its code says: trigger, writes, emits."""

import inspect
import re
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from local.layout import ROOT
from local.manifests import Manifests
from shop.database import Statement
from shop.declaration import Operation
from shop.events import BY_TYPE
from shop.idempotency import IdempotencyKeys
from shop.openapi import AREAS, FUNCTIONS

ROW = re.compile(r"^\| \[`(\w+)`\]\((\S+)\) \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
NAMES = [file.stem for area in AREAS for file in sorted((FUNCTIONS / area).glob("*.py"))]
EVERY_FUNCTION = pytest.mark.parametrize("name", NAMES)
# Where these are written follows from the other columns; the text above the table says so.
IMPLIED = {"outbox", "idempotency_keys"}

Row = tuple[str, str, set[str], set[str]]


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    """Of each function: the link, the trigger, the tables written, the events emitted."""
    text = (FUNCTIONS / "README.md").read_text()
    return {
        name: (link, trigger.strip(), _names(writes), _names(emits))
        for name, link, trigger, writes, emits in ROW.findall(text)
    }


def _names(cell: str) -> set[str]:
    return set(re.findall(r"`([\w.]+)`", cell))


def _load(operation: Operation) -> ModuleType:
    path = FUNCTIONS / operation.area / f"{operation.name}.py"
    spec = spec_from_file_location(f"read_{operation.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _used(function: FunctionType, seen: set[FunctionType]) -> Iterator[Any]:
    """The module-level objects that a function uses, by itself or through the shop's functions."""
    if function in seen:
        return
    seen.add(function)
    for name in _mentioned(function.__code__):
        thing = function.__globals__.get(name)
        yield thing
        called = inspect.unwrap(thing) if callable(thing) else None
        if isinstance(called, FunctionType) and called.__module__.startswith(("shop.", "read_")):
            yield from _used(called, seen)


def _mentioned(code: CodeType) -> set[str]:
    inner = (_mentioned(c) for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*inner)


def _statements(operation: Operation) -> list[str]:
    """The SQL that the function's file can run."""
    module = _load(operation)
    seen: set[FunctionType] = set()
    used = [
        thing
        for member in vars(module).values()
        if callable(member) and getattr(member, "__module__", "") == module.__name__
        for thing in _used(inspect.unwrap(member), seen)
    ]
    found = [thing.sql for thing in used if isinstance(thing, Statement)]
    for keys in (thing for thing in used if isinstance(thing, IdempotencyKeys)):
        found += [v.sql for v in vars(keys).values() if isinstance(v, Statement)]
    return found


def test_the_table_has_one_row_a_function(rows: dict[str, Row]) -> None:
    assert sorted(rows) == sorted(NAMES)


@EVERY_FUNCTION
def test_a_row_links_to_its_function(
    name: str, rows: dict[str, Row], operations: dict[str, Operation]
) -> None:
    assert rows[name][0] == f"{operations[name].area}/{name}.py"


@EVERY_FUNCTION
def test_a_row_names_what_triggers_the_function(
    name: str, rows: dict[str, Row], operations: dict[str, Operation], described: Manifests
) -> None:
    operation = operations[name]
    if name == "gateway":
        expected = "everything from outside"
    elif operation.receives_events:
        by_sink = {s.sink: f"KafkaSource `{s.name}`" for s in described.kafka_sources}
        by_sink |= {s.sink: f"PingSource `{s.name}`" for s in described.ping_sources}
        expected = by_sink[name]
    else:
        expected = f"`{operation.methods[0]} {operation.path}`"
        expected += ", inside the cluster" if operation.cluster_local else ""
    assert rows[name][1] == expected


@EVERY_FUNCTION
def test_a_row_names_the_tables_that_the_function_writes(
    name: str, rows: dict[str, Row], operations: dict[str, Operation]
) -> None:
    verbs = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (?!SKIP|OF\b|SET\b)([a-z_]+)")
    written = {table for sql in _statements(operations[name]) for table in verbs.findall(sql)}
    assert rows[name][2] == written - IMPLIED


@EVERY_FUNCTION
def test_a_row_names_the_events_that_the_function_emits(
    name: str, rows: dict[str, Row], operations: dict[str, Operation]
) -> None:
    statements = _statements(operations[name])
    emitted = {e.name for t, e in BY_TYPE.items() if any(f"'{t}'" in sql for sql in statements)}
    assert rows[name][3] == emitted


def test_every_function_that_emits_writes_the_outbox(
    operations: dict[str, Operation], rows: dict[str, Row]
) -> None:
    for name, operation in operations.items():
        inserts = any("INSERT INTO outbox" in sql for sql in _statements(operation))
        assert inserts == bool(rows[name][3]), name


def test_every_loop_has_a_row(described: Manifests) -> None:
    text = (ROOT / "functions" / "README.md").read_text()
    for loop in described.loops:
        assert f"| `{loop.name}` |" in text
        assert loop.command[-1] in text
