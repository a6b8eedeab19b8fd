"""Orders through the gateway, held for a minute, beside pgbench with the saga's statements."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from bench import pgbench, statements
from bench.catalogue import fill_inventory
from bench.load import Answers, Load, send
from bench.machine import cpu_seconds, foreign_cores, usage
from bench.options import Options
from bench.postgres import create_database, database_url, drop_database
from bench.processes import BenchError, fetch
from bench.report import Goal, Result, Table, figure, foreign_note
from local.state import State
from shop.migrate import migrate

PRODUCTS = 200
CLIENTS = (10, 50)
LEAST_RATE = 250.0
MOST_DRAIN_SECONDS = 2.0
_STOCK = 10_000_000
_WINDOW = 5
_COSTLIEST = 8
_SAGA = "bench_saga"
_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


def run(state: State, pid: int, options: Options) -> Result:
    """Hold the load with 10 and with 50 clients; wait for outbox and notifications each time.

    `pid` is the process that all of the shop descends from.
    """
    result = Result("orders")
    first, last = make_products(state, PRODUCTS)
    rows = []
    costs: list[dict[str, float]] = []
    foreign = []
    with _saga_database(state) as saga:
        for clients in CLIENTS:
            machine, processes = usage(pid), cpu_by_process(state)
            answers = _hold(state, clients, first, last, options)
            ended = time.monotonic()
            costs.append(_per_order(processes, cpu_by_process(state), answers.requests))
            foreign.append(foreign_cores(machine, usage(pid)))
            drained = wait_until_published(state, ended)
            notified = wait_until_notified(state, ended)
            limit = pgbench.run(
                saga,
                statements.draw(PRODUCTS) + statements.saga(),
                name="saga",
                server=postgres_pid(state),
                clients=clients,
                seconds=options.limit_seconds,
                core=None,
            )
            held = lowest_window(answers.per_second, _WINDOW)
            latency = answers.latency_ms
            rows.append(
                [f"{clients} clients", figure(answers.rate), figure(held), str(answers.failures),
                 *(figure(latency[name]) for name in ("p50", "p95", "p99", "max")),
                 figure(drained), figure(notified), figure(limit.rate),
                 figure(answers.rate / limit.rate)]
            )  # fmt: skip
            result.goals += [
                Goal(f"orders a second, {clients} clients", answers.rate, LEAST_RATE, unit="/s"),
                Goal(f"orders not answered with 201, {clients} clients", answers.failures, 0,
                     unit="", at_least=False),
                Goal(f"outbox drained, {clients} clients", drained, MOST_DRAIN_SECONDS,
                     unit="s", at_least=False),
            ]  # fmt: skip
            result.data[f"{clients} clients"] = {
                "rate": answers.rate, "lowest_5_s": held, "latency_ms": latency,
                "statuses": answers.statuses, "errors": answers.errors,
                "examples": answers.examples, "drained_s": drained, "notified_s": notified,
                "pgbench_rate": limit.rate, "cpu_us": costs[-1],
                "foreign_cores": foreign[-1],
            }  # fmt: skip
    columns = ["", "orders/s", f"least {_WINDOW} s", "not 201", "p50 ms", "p95 ms", "p99 ms",
               "max ms", "outbox s", "notified s", "pgbench", "of it"]  # fmt: skip
    title = f"create_order through the gateway for {options.order_seconds:.0f} s, nothing pinned"
    note = (
        "outbox, notified: seconds after the load until every event was published, and stored as "
        "a notification.\n  pgbench: the saga's statements, as many clients.\n  "
        + foreign_note(max(foreign))
    )
    result.tables += [Table(title, columns, rows, note), _cost_table(costs)]
    return result


def _hold(state: State, clients: int, first: int, last: int, options: Options) -> Answers:
    confirmed = _count(state, "orders", "SELECT count(*) FROM orders WHERE status = 'confirmed'")
    answers = send(
        order_load(state, first, last, connections=clients, seconds=options.order_seconds),
        core=None,
    )
    found = _count(state, "orders", "SELECT count(*) FROM orders WHERE status = 'confirmed'")
    if found - confirmed < answers.statuses.get("201", 0):
        raise BenchError(f"{answers.statuses} answered, but {found - confirmed} orders confirmed")
    return answers


def cpu_by_process(state: State) -> dict[str, float]:
    """Processor seconds of each process of the shop so far."""
    return {
        name: cpu_seconds(process["pid"])
        for name, process in state.processes.items()
        if process["pid"]
    }


def _per_order(before: dict[str, float], after: dict[str, float], orders: int) -> dict[str, float]:
    used = {name: (after[name] - before.get(name, 0.0)) / orders * 1e6 for name in after}
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def _cost_table(costs: list[dict[str, float]]) -> Table:
    names = list(costs[0])[:_COSTLIEST]
    rows = [[name, *(figure(cost.get(name, 0.0)) for cost in costs)] for name in names]
    rest = [sum(used for name, used in cost.items() if name not in names) for cost in costs]
    rows += [["all others", *map(figure, rest)],
             ["all", *(figure(sum(cost.values())) for cost in costs)]]  # fmt: skip
    columns = ["", *(f"{clients} clients" for clients in CLIENTS)]
    return Table("processor time for an order and what follows it, µs", columns, rows)


def order_load(
    state: State, first: int, last: int, *, connections: int, seconds: float, rate: float = 0.0
) -> Load:
    """Orders of one piece each, spread over the products."""
    return Load(
        address=urlsplit(state.urls["gateway"]).netloc,
        path="/api/orders",
        method="POST",
        body='{"product_id": {n}, "quantity": 1}',
        connections=connections,
        seconds=seconds,
        warmup=2.0,
        rate=rate,
        low=first,
        high=last,
        expect=HTTPStatus.CREATED,
    )


def make_products(state: State, count: int) -> tuple[int, int]:
    """Put products into the catalogue; the first and the last of their ids, without a gap."""
    address = urlsplit(state.urls["gateway"]).netloc
    ids = []
    for number in range(count):
        body = {"name": f"Bench product {number}", "price": 12.5, "stock": _STOCK}
        status, _, answer = fetch(address, "/api/products", body=json.dumps(body))
        if status != HTTPStatus.CREATED:
            raise BenchError(f"POST /api/products: {status} {answer[:200]!r}")
        ids.append(json.loads(answer)["id"])
    if any(later != earlier + 1 for earlier, later in pairwise(ids)):
        raise BenchError("somebody else makes products at the same time")
    return ids[0], ids[-1]


def wait_until_published(state: State, since: float, patience: float = 60.0) -> float:
    """Seconds from `since` until no event of any area waits for its publication."""
    return _wait(
        "events are published",
        lambda: sum(_count(state, area, _UNPUBLISHED) for area in ("inventory", "orders")),
        since,
        patience,
    )


def wait_until_notified(state: State, since: float, patience: float = 120.0) -> float:
    """Seconds from `since` until each order that was decided has its notification."""
    decided = _count(state, "orders", "SELECT count(*) FROM orders WHERE status <> 'pending'")
    stored = "SELECT count(*) FROM notifications WHERE source LIKE '%orders'"
    return _wait(
        "notifications are stored",
        lambda: max(0, decided - _count(state, "notifications", stored)),
        since,
        patience,
    )


def _wait(what: str, missing: Any, since: float, patience: float) -> float:
    while (left := missing()) > 0:
        if time.monotonic() - since > patience:
            raise BenchError(f"not all {what} after {patience:.0f} s: {left} are missing")
        time.sleep(0.02)
    return time.monotonic() - since


def _count(state: State, area: str, query: str) -> int:
    with psycopg.connect(state.databases[area], autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def lowest_window(per_second: list[int], width: int) -> float:
    """Return the lowest mean rate of any `width` seconds in a row."""
    width = min(width, len(per_second))
    sums = [sum(per_second[at : at + width]) for at in range(len(per_second) - width + 1)]
    return min(sums) / width if sums else 0.0


def postgres_pid(state: State) -> int:
    """Return the pid of the platform's PostgreSQL."""
    return int(state.processes["postgres"]["pid"])


@contextmanager
def _saga_database(state: State) -> Iterator[str]:
    """Make a database that holds both areas, each in a schema, so that one session sees both.

    It is on the server that the shop uses, and owned by its superuser.
    """
    with psycopg.connect(state.admin_database, autocommit=True) as admin:
        create_database(admin, _SAGA)
        try:
            plain = database_url(state.admin_database, _SAGA)
            with psycopg.connect(plain, autocommit=True) as connection:
                for area in ("inventory", "orders"):
                    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(area)))
                    migrate(area, _with_path(plain, area))
                connection.execute("SET search_path = inventory")
                fill_inventory(connection, PRODUCTS)
            # Both have an outbox; the saga's event belongs to the orders.
            yield _with_path(plain, "orders,inventory")
        finally:
            drop_database(admin, _SAGA)


def _with_path(url: str, schemas: str) -> str:
    query = f"options={quote(f'-c search_path={schemas}')}"
    return database_url(url, _SAGA, query)
