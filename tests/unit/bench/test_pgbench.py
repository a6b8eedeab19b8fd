import re

import sqlalchemy as sa

from bench import statements
from bench.pgbench import ended, literal, script, without_colons
from shop.database import Statement
from shop.reservations import RESERVE_ONE
from shop.saga import CONFIRM, PLACE

SOLD = Statement(
    "sold",
    sa.text("UPDATE p SET n = n - :many, at = to_char(now(), 'HH24:MI'), was = :why WHERE id = :id")
    .bindparams(sa.bindparam("many", 2), sa.bindparam("why", "it's"), sa.bindparam("id")),
)  # fmt: skip


def test_given_values_become_variables_and_the_others_stay_constants() -> None:
    assert script(SOLD, {"id": ":product"}) == (
        "UPDATE p SET n = n - 2::INTEGER, at = to_char(now(), E'HH24\\x3aMI'), "
        "was = 'it''s'::VARCHAR WHERE id = (:product)"
    )


def test_a_colon_is_escaped_only_inside_of_literals() -> None:
    assert without_colons("SELECT 'a:b', '\\:c', 'd''e', f::text") == (
        "SELECT E'a\\x3ab', E'\\\\\\x3ac', 'd''e', f::text"
    )


def test_a_row_becomes_variables_where_it_is_asked_for() -> None:
    assert ended("SELECT 1") == "SELECT 1;\n"
    assert ended("SELECT 1 AS id", into_variables=True) == "SELECT 1 AS id \\gset\n"


def test_constants_are_written_in_sql() -> None:
    assert [literal(value) for value in (None, True, 3, "it's")] == ["NULL", "TRUE", "3", "'it''s'"]


def test_pgbench_runs_the_statements_that_the_shop_runs() -> None:
    lines = statements.saga().splitlines()

    for line, statement in zip(lines, (PLACE, RESERVE_ONE, CONFIRM), strict=True):
        position = 0
        for part in re.split(r"\$\d+", without_colons(statement.sql).replace("\n", " ").strip()):
            position = line.index(part, position) + len(part)
        assert "$" not in line
