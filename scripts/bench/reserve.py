"""Reservations over HTTP beside the same statement sent by pgbench."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from bench import pgbench, statements
from bench.catalogue import ledger_differences, make_inventory
from bench.functions import serving_function
from bench.load import Load
from bench.measure import Run, measure, summarise
from bench.options import Options
from bench.postgres import Postgres, running_postgres
from bench.processes import BenchError, Server
from bench.report import Goal, Result, Table, figure, foreign_note

PRODUCTS = 1_000
_DATABASE = "reserve"
_BODY = '{"reservation_id": "{uuid}", "items": [{"product_id": {n}, "quantity": 1}]}'
# Which products: how many, and the ratio that is required and that is the goal.
_SPREADS = {"spread": (PRODUCTS, 0.2, 0.4), "hot": (1, 0.4, 0.8)}


def run(options: Options) -> Result:
    """Measure spread and hot reservations, alternating between the function and pgbench."""
    result = Result("reserve")
    with running_postgres(options.port, options.pinning.database) as postgres:
        database = make_inventory(postgres, _DATABASE, PRODUCTS)
        with serving_function(
            "inventory", "reserve_stock", database=database, port=options.port + 1, options=options
        ) as server:
            rows, foreign = [], []
            for spread, (products, required, stretch) in _SPREADS.items():
                runs, limits = _alternate(postgres, server, products, options)
                rows += _rows(spread, runs, limits)
                ratio = summarise(runs).rate / median(limit.rate for limit in limits)
                name = f"reserve_stock {spread}, against pgbench"
                result.goals.append(Goal(name, ratio, required, stretch=stretch))
                foreign.append(summarise(runs).foreign_cores)
                result.data[spread] = {
                    "shop": asdict(summarise(runs)),
                    "pgbench": [asdict(limit) for limit in limits],
                }
        with postgres.connect(_DATABASE) as connection:
            differences = ledger_differences(connection)
    if differences:
        raise BenchError(f"the ledger differs from the stock of {differences} products")
    columns = ["", "a second", "of pgbench", "CPU µs", "PostgreSQL µs", "p50 ms", "p99 ms"]
    note = f"{options.pool} connections to PostgreSQL each; ledger and stock agree afterwards. "
    note += foreign_note(max(foreign))
    title = f"reserve_stock, one piece of one of {PRODUCTS:,} products (spread) or of one (hot)"
    result.tables.append(Table(title, columns, rows, note))
    return result


def _alternate(
    postgres: Postgres, server: Server, products: int, options: Options
) -> tuple[list[Run], list[pgbench.Measured]]:
    text = statements.draw(products) + statements.reserve()
    load = Load(
        address=server.address,
        path="/reservations",
        method="POST",
        body=_BODY,
        high=products,
        connections=options.connections,
        seconds=options.seconds,
        warmup=options.warmup,
    )
    runs, limits = [], []
    for _ in range(options.rounds):
        postgres.settle(_DATABASE, "products")
        runs.append(
            measure(load, server=server.pid, database=postgres.pid, core=options.pinning.load)
        )
        postgres.settle(_DATABASE, "products")
        limits.append(
            # In the place of the function: on its core, with its connections.
            pgbench.run(
                postgres.url(_DATABASE),
                text,
                name=f"reserve_{products}",
                server=postgres.pid,
                clients=options.pool,
                seconds=options.seconds,
                core=options.pinning.server,
            )
        )
    return runs, limits


def _rows(spread: str, runs: Sequence[Run], limits: Sequence[pgbench.Measured]) -> list[list[str]]:
    mine = summarise(runs)
    limit = median(each.rate for each in limits)
    return [
        [
            f"{spread}: shop, over HTTP",
            figure(mine.rate),
            figure(mine.rate / limit),
            figure(mine.server_cpu),
            figure(mine.database_cpu),
            figure(mine.p50),
            figure(mine.p99),
        ],
        [
            f"{spread}: pgbench",
            figure(limit),
            "1.00",
            "",
            figure(median(each.database_cpu for each in limits)),
            f"mean {figure(median(each.latency_ms for each in limits))}",
            "",
        ],
    ]
