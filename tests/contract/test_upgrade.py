"""The release before this one understands this one, and the other way round."""

import copy
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from local.layout import ROOT
from shop.api.products import Reservation, ReservationRequest
from shop.events import BY_TYPE
from shop.schemas import schema_of
from tests.support import release

MIGRATIONS = ROOT / "functions" / "shop" / "migrations"
NEW = [
    path
    for path in sorted(MIGRATIONS.glob("*/[0-9]*.py"))
    if path.stem[:4] > release.HEADS.get(path.parent.name, "0001")
]
# Alembic keeps the transaction, and migrate.py the time-outs.
_NOT_ASKED = (
    "require-timeout-settings,prefer-robust-stmts,ban-concurrent-index-creation-in-transaction"
)


@pytest.mark.parametrize("type_", release.schemas())
def test_an_event_has_only_grown(type_: str) -> None:
    before, now = release.schemas()[type_], schema_of(BY_TYPE[type_])
    assert narrowed(before, now) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda s: s["properties"].pop("reason"), "reason is gone"),
        (lambda s: s["properties"]["reason"].update(type="integer"), "reason has changed"),
        (lambda s: s["required"].remove("reason"), "reason may be missing"),
        (lambda s: s["$defs"]["AskedLine"]["properties"].pop("quantity"), "quantity is gone"),
    ],
)
def test_an_event_that_has_lost_something_is_found(change: Any, finding: str) -> None:
    before = release.schemas()["com.shophub.order.rejected.v1"]
    changed = copy.deepcopy(before)
    change(changed)
    assert narrowed(before, changed) == [finding]
    assert narrowed(before, {**before, "properties": {**before["properties"], "new": {}}}) == []


def narrowed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What a reader of the schema before would miss in an event of the schema now."""
    findings = []
    for name, member in before.get("properties", {}).items():
        if name not in now.get("properties", {}):
            findings.append(f"{name} is gone")
        elif member != now["properties"][name]:
            findings.append(f"{name} has changed")
        elif name in before.get("required", ()) and name not in now.get("required", ()):
            findings.append(f"{name} may be missing")
    for name, part in before.get("$defs", {}).items():
        findings += narrowed(part, now.get("$defs", {}).get(name, {}))
    return findings


@pytest.mark.parametrize("type_", release.schemas())
def test_an_event_of_before_is_read(type_: str) -> None:
    schema = release.schemas()[type_]
    event = example(schema, schema.get("$defs", {}))
    jsonschema.validate(event, schema)
    TypeAdapter(BY_TYPE[type_]).validate_python(event)


def example(schema: dict[str, Any], parts: dict[str, Any]) -> Any:
    """Something that fits the schema, with what is required and no more."""
    while "$ref" in schema or "anyOf" in schema:
        name = schema.get("$ref", "").rpartition("/")[2]
        schema = parts[name] if name else schema["anyOf"][0]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            members = schema.get("required", ())
            return {name: example(schema["properties"][name], parts) for name in members}
        case "array":
            return [example(schema["items"], parts)]
        case "integer" | "number":
            return 1
    return "2026-01-02T03:04:05Z" if schema.get("format") == "date-time" else "text"


def test_reserve_stock_takes_the_request_of_before() -> None:
    ReservationRequest.model_validate(release.wire()["reserve_stock"]["request"])


def test_the_answer_of_reserve_stock_is_what_create_order_expected_before() -> None:
    wire = release.wire()["reserve_stock"]
    expected, given = wire["answer_schema"], Reservation.model_json_schema(mode="serialization")
    assert narrowed(expected, given) == []
    Reservation.model_validate(wire["answer"])


@pytest.mark.parametrize("path", NEW, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_migration_only_adds_and_does_not_hold_up_the_shop(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "migration.sql"
    file.write_text("".join(f"{sql};\n" for sql in sql_of(path)))
    assert squawk(file) == "", f"{path.name}: add now, and remove with a later release"


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders DROP COLUMN account;",
        "ALTER TABLE orders RENAME COLUMN account TO customer;",
        "ALTER TABLE orders ADD COLUMN note text NOT NULL;",
        "DROP TABLE inbox;",
        "CREATE INDEX slow ON orders (account);",
        "ALTER TABLE orders ALTER COLUMN id TYPE integer;",
    ],
)
def test_what_breaks_the_release_before_is_found(sql: str, tmp_path: Path) -> None:
    file = tmp_path / "migration.sql"
    file.write_text(sql)
    assert squawk(file) != ""


def squawk(file: Path) -> str:
    """What Squawk has to say against the statements."""
    result = subprocess.run(
        [str(Path(sys.executable).with_name("squawk")), "--reporter", "gcc", "--pg-version", "18",
         "--exclude", _NOT_ASKED, str(file)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return "" if result.returncode == 0 else result.stdout + result.stderr


def sql_of(path: Path) -> Iterator[str]:
    """What the migration's upgrade executes."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    executed: list[str] = []

    class Recorder:
        """Stands in for alembic's operations."""

        def execute(self, sql: str) -> None:
            executed.append(sql)

        def get_context(self) -> "Recorder":
            return self

        autocommit_block = get_context

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    module.op = Recorder()  # type: ignore[attr-defined]
    module.upgrade()
    assert executed
    yield from executed
