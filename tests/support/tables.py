"""Looking into a database past the functions, and writing into it what no function would."""

from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

if TYPE_CHECKING:
    from psycopg.rows import TupleRow

# Rows that name others come before those; with each table, what numbers its rows.
_TABLES: dict[str, dict[LiteralString, LiteralString | None]] = {
    "inventory": {
        "stock_movements": "id", "products": "id", "reservations": None, "outbox": "position",
        "idempotency_keys": None, "known_words": None,
    },
    "orders": {
        "idempotency_keys": None, "orders": "id", "outbox": "position", "published_tally": None,
    },
    "notifications": {
        "notifications": "id", "inbox": None, "delivered_tally": None, "dead_letters": "id",
    },
    "identity": {"sessions": None, "login_attempts": None, "accounts": None},
}  # fmt: skip


class Tables:
    """One area's database, as its owner sees it; every statement commits at once."""

    def __init__(self, area: str, url: str) -> None:
        self._area = area
        self.url = url
        self.connection: psycopg.Connection[TupleRow] = psycopg.connect(url, autocommit=True)

    def run(self, statement: LiteralString, *values: Any) -> int:
        """Run a statement; how many rows it changed."""
        return self.connection.execute(statement, values).rowcount

    def rows(self, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(statement, values).fetchall()

    def row(self, statement: LiteralString, *values: Any) -> tuple[Any, ...]:
        """The one row of a query."""
        (row,) = self.rows(statement, *values)
        return row

    def value(self, statement: LiteralString, *values: Any) -> Any:
        """The one value of a query."""
        (value,) = self.row(statement, *values)
        return value

    def empty(self, but: str = "") -> None:
        """Forget everything, but what one table says, and number rows from 1 again.

        It takes a third of what TRUNCATE does, where there are few rows.
        """
        self.connection.execute(
            "".join(
                f"DELETE FROM {table};"
                + (f"SELECT setval('{table}_{column}_seq', 1, false);" if column else "")
                for table, column in _TABLES[self._area].items()
                if table in self._there and table != but
            )
        )

    @cached_property
    def _there(self) -> set[str]:
        """The tables that there are: an older schema has fewer."""
        return {name for (name,) in self.rows("SELECT relname FROM pg_class WHERE relkind = 'r'")}

    def close(self) -> None:
        """End the session."""
        self.connection.close()

    def events(self, name: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
        """(short type, aggregate's id, data) of each event of the outbox, in order."""
        found = self.rows("SELECT type, aggregateid, payload FROM outbox ORDER BY position")
        short = [(t.removeprefix("com.shophub.").removesuffix(".v1"), i, p) for t, i, p in found]
        return [event for event in short if name is None or event[0] == name]


class Inventory(Tables):
    """The inventory's database."""

    def __init__(self, url: str) -> None:
        super().__init__("inventory", url)

    def stock(self, product_id: int) -> int:
        """The pieces of a product, also of a deleted one."""
        stock: int = self.value("SELECT stock FROM products WHERE id = %s", product_id)
        return stock

    def ledger(self, product_id: int) -> list[tuple[str, int]]:
        """(reason, change) of the product's movements, in order."""
        return self.rows(
            "SELECT reason, change FROM stock_movements WHERE product_id = %s ORDER BY id",
            product_id,
        )

    def differences(self) -> list[tuple[Any, ...]]:
        """(product, stock, sum of movements) where the two differ: there should be none."""
        return self.rows(
            "SELECT p.id, p.stock, coalesce(sum(m.change), 0) FROM products p"
            " LEFT JOIN stock_movements m ON m.product_id = p.id"
            " GROUP BY p.id HAVING p.stock <> coalesce(sum(m.change), 0)"
        )

    def everything(self) -> list[Any]:
        """All that the database says, but idempotency keys; to see that nothing has changed."""
        return [
            self.rows("SELECT * FROM products ORDER BY id"),
            self.rows("SELECT * FROM stock_movements ORDER BY id"),
            self.rows("SELECT id, status, lines, answer_status FROM reservations ORDER BY id"),
            self.rows("SELECT position, id, type FROM outbox ORDER BY position"),
        ]

    def add(
        self,
        name: str = "Lamp",
        *,
        stock: int = 10,
        price: str = "1.00",
        threshold: int = 0,
        category: str | None = None,
        description: str = "",
    ) -> int:
        """A product with its first movement, and without an event; its id."""
        product_id: int = self.value(
            "WITH p AS (INSERT INTO products (name, description, price, stock, category,"
            " low_stock_threshold) VALUES (%s, %s, %s, %s, %s, %s) RETURNING id, stock),"
            " m AS (INSERT INTO stock_movements (product_id, change, reason)"
            " SELECT id, stock, 'initial' FROM p WHERE stock > 0) SELECT id FROM p",
            name, description, Decimal(price), stock, category, threshold,
        )  # fmt: skip
        return product_id


class Orders(Tables):
    """The orders' database."""

    def __init__(self, url: str) -> None:
        super().__init__("orders", url)

    def statuses(self) -> dict[str, int]:
        """How many orders there are in each status."""
        return dict(self.rows("SELECT status, count(*) FROM orders GROUP BY status"))

    def age(self, seconds: float) -> None:
        """Let every order be older than it is."""
        self.run("UPDATE orders SET created_at = created_at - make_interval(secs => %s)", seconds)

    def everything(self) -> list[Any]:
        """All that the database says, but idempotency keys; to see that nothing has changed."""
        return [
            self.rows("SELECT id, status, account, reservation_id FROM orders ORDER BY id"),
            self.rows("SELECT position, id, type FROM outbox ORDER BY position"),
        ]
