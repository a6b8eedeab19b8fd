"""The release before this one goes on working while the databases are migrated, and after."""

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from shop import migrate as migrating
from shop.migrate import migrate
from tests.support import postgres, release
from tests.support.tables import Inventory

OLD = {"inventory": "before_inventory", "notifications": "before_notifications"}
EVERY_STATEMENT = pytest.mark.parametrize(
    ("area", "name"),
    [(area, name) for area, found in release.statements().items() for name in found],
)
# Longer than any statement should wait for a migration, with a machine that is busy.
MOST_SECONDS = 4.0


@EVERY_STATEMENT
def test_a_statement_of_the_release_before_is_understood_by_the_new_schema(
    area: str, name: str, database_server: postgres.Server
) -> None:
    text = release.statements()[area][name]["sql"]
    with psycopg.connect(database_server.urls[area]) as connection:
        connection.execute(b"PREPARE before AS " + text.encode())


class Client(threading.Thread):
    """Runs statements of the release before, one after the other, until it is told to end."""

    def __init__(self, url: str, area: str, *steps: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._statements = [release.statements()[area][step] for step in steps]
        self.ended = threading.Event()
        self.failures: list[Exception] = []
        self.seconds: list[float] = []

    def run(self) -> None:
        with psycopg.connect(
            self._url, autocommit=True, cursor_factory=psycopg.RawCursor
        ) as connection:
            while not self.ended.is_set():
                given = values()
                for statement in self._statements:
                    names = statement["parameters"]
                    arguments = [given.get(each["name"], each.get("value")) for each in names]
                    began = time.monotonic()
                    try:
                        connection.execute(statement["sql"].encode(), arguments)
                    except psycopg.Error as error:
                        self.failures.append(error)
                    self.seconds.append(time.monotonic() - began)


def values() -> dict[str, Any]:
    """What the statements are given."""
    return {
        "reservation_id": uuid4(), "product_id": 1, "id": 1, "quantity": 1,
        "lines": json.dumps([{"product_id": 1, "quantity": 1}]), "traceparent": None,
        "type": "order.created", "title": "t", "message": "m", "subject": "orders/1",
        "event_time": None, "consumer": "notify_order", "source": "/shophub/orders",
        "event_id": str(uuid4()),
    }  # fmt: skip


@pytest.fixture
def before(database_server: postgres.Server) -> Iterator[dict[str, str]]:
    """Databases as the release before made them, by area; gone at the end."""
    urls = {}
    admin = database_server.admin
    with psycopg.connect(admin, autocommit=True) as connection:
        for area, name in OLD.items():
            made = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(made.format(sql.Identifier(name), sql.Identifier(area)))
            urls[area] = database_server.urls[area].replace(f"/{area}?", f"/{name}?")
            migrate(area, urls[area], release.HEADS[area])
        yield urls
        for name in OLD.values():
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def test_statements_of_before_go_on_while_the_databases_are_migrated(
    before: dict[str, str],
) -> None:
    tables = Inventory(before["inventory"])
    tables.add(stock=1_000_000)
    clients = [
        *(Client(before["inventory"], "inventory", "reserve_one", "get_product") for _ in range(2)),
        *(Client(before["inventory"], "inventory", "reserve_one", "release") for _ in range(2)),
        *(Client(before["notifications"], "notifications", "record_notification", "dead_letters")
          for _ in range(2)),
    ]  # fmt: skip
    for client in clients:
        client.start()
    time.sleep(0.5)

    for area, url in before.items():
        migrate(area, url)

    time.sleep(0.5)
    for client in clients:
        client.ended.set()
    for client in clients:
        client.join(30)
    assert [failure for client in clients for failure in client.failures] == []
    assert min(len(client.seconds) for client in clients) > 20
    assert max(max(client.seconds) for client in clients) < MOST_SECONDS
    assert tables.differences() == []
    tables.close()


def test_rows_of_before_are_there_after(before: dict[str, str]) -> None:
    tables = Inventory(before["inventory"])
    tables.add("Lamp", stock=7)
    rows = "SELECT id, name, stock, version FROM products"
    found = tables.rows(rows)

    migrate("inventory", before["inventory"])

    assert tables.rows(rows) == found
    tables.close()


def test_the_words_of_products_that_were_there_before_are_known_after(
    before: dict[str, str],
) -> None:
    tables = Inventory(before["inventory"])
    tables.add("Lamp of brass")

    migrate("inventory", before["inventory"])
    tables.add("Lamp of glass")

    assert {word for (word,) in tables.rows("SELECT word FROM known_words")} >= {
        "lamp", "of", "brass", "glass"
    }  # fmt: skip
    tables.close()


def test_where_their_words_begin_is_known_after(before: dict[str, str]) -> None:
    tables = Inventory(before["inventory"])
    tables.add("Lamp of brass", price="5.00")
    tables.add("Big lamp", price="7.00")

    migrate("inventory", before["inventory"], "0005")
    tables.add("A lamp of wood", price="6.00")
    migrate("inventory", before["inventory"])
    tables.add("Lamp of glass", price="4.00")

    places = "SELECT word, bounded, highest_id, first_name, lowest_price, highest_price"
    four, five, six, seven = (Decimal(price) for price in ("4.00", "5.00", "6.00", "7.00"))
    assert tables.rows(f"{places} FROM known_words ORDER BY word") == [
        ("a", True, 16383, "a lamp of wood", six, six),
        ("big", True, 16383, "big lamp", seven, seven),
        ("brass", True, 16383, "lamp of brass", five, five),
        ("glass", True, 16383, "lamp of glass", four, four),
        ("lamp", True, 16383, "a lamp of wood", four, seven),
        ("of", True, 16383, "a lamp of wood", four, six),
        ("wood", True, 16383, "a lamp of wood", six, six),
    ]
    tables.close()


def test_a_migration_lets_those_pass_who_wait_behind_it_and_tries_again(
    before: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "_LOCK_SECONDS", 0.3)
    url = before["notifications"]
    with psycopg.connect(url) as user:
        user.execute("LOCK TABLE dead_letters IN ROW EXCLUSIVE MODE")
        migration = threading.Thread(target=migrate, args=("notifications", url))
        migration.start()
        time.sleep(1)
        with psycopg.connect(url) as other:
            began = time.monotonic()
            other.execute("SELECT count(*) FROM dead_letters")
            waited = time.monotonic() - began
        assert migration.is_alive()
    migration.join(20)
    assert not migration.is_alive()
    assert waited < MOST_SECONDS
    with psycopg.connect(url) as connection:
        connection.execute("SELECT verified FROM dead_letters")


def test_an_index_that_was_cut_off_is_built_anew(before: dict[str, str]) -> None:
    url = before["notifications"]
    name = "dead_letters_replayed"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO dead_letters (source, event_id, type, subject, destination, attributes,"
            " data) SELECT 's', i::text, 't', '', '', '{}', '' FROM generate_series(1, 2) i"
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON dead_letters (type)")

    migrate("notifications", url)

    with psycopg.connect(url) as connection:
        valid = connection.execute(
            "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = %s::regclass", [name]
        )
        assert valid.fetchall() == [(True, False)]


def test_a_table_that_is_never_free_is_told_of(
    before: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "_LOCK_SECONDS", 0.1)
    monkeypatch.setattr(migrating, "_ATTEMPTS", 2)
    url = before["notifications"]
    migrate("notifications", url, "0002")
    with psycopg.connect(url) as user:
        user.execute("LOCK TABLE dead_letters IN ROW EXCLUSIVE MODE")
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            migrate("notifications", url)


def test_a_release_that_is_taken_back_leaves_the_schema_of_the_later_one(
    before: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = before["inventory"]
    migrate("inventory", url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'later'")
        connection.execute("CREATE TABLE of_a_later_release (id int)")
    monkeypatch.setenv("DATABASE_URL", url)

    assert migrating.main(["inventory"]) == 0

    assert "of a later release" in capsys.readouterr().out
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [("later",)]
        connection.execute("SELECT * FROM of_a_later_release")


def test_the_data_of_the_release_before_is_complete() -> None:
    assert sorted(path.name for path in release.BEFORE.iterdir()) == [
        "schemas",
        "statements.json",
        "wire.json",
    ]
    assert set(release.statements()) == set(release.HEADS)
