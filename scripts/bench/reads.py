"""Reads: one process of the shop beside one of FastAPI and one of Go."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.catalogue import make_inventory
from bench.functions import serving_function
from bench.load import Load, build_go
from bench.measure import Run, Summary, measure, summarise
from bench.options import Options
from bench.postgres import running_postgres
from bench.processes import BenchError, Server, fetch, serving
from bench.report import Goal, Result, Table, figure, foreign_note

PRODUCTS = 1_000
PAGE = 20
SHOP, FASTAPI, GO = "shop", "FastAPI + SQLAlchemy", "Go + pgx"
_PEERS = Path(__file__).parent / "peers"
_PATHS = {"list_products": f"/products?limit={PAGE}", "get_product": "/products/{n}"}
_FIELDS = {
    "id", "name", "description", "price", "stock", "category", "image_url",
    "low_stock_threshold", "created_at", "updated_at",
}  # fmt: skip


def run(options: Options) -> Result:
    """Measure both endpoints, alternating between the servers."""
    result = Result("reads")
    with running_postgres(options.port, options.pinning.database) as postgres:
        database = make_inventory(postgres, "reads", PRODUCTS)
        for endpoint, path in _PATHS.items():
            with _servers(endpoint, database, options) as servers:
                check_same_answers(endpoint, servers)
                runs = _alternate(path, servers, postgres.pid, options)
            summaries = {name: summarise(of) for name, of in runs.items()}
            result.tables.append(_table(endpoint, summaries))
            result.goals += _goals(endpoint, summaries)
            result.data[endpoint] = {name: asdict(each) for name, each in summaries.items()}
    return result


@contextmanager
def _servers(endpoint: str, database: str, options: Options) -> Iterator[dict[str, Server]]:
    environment = {"DATABASE_URL": database, "DATABASE_POOL_SIZE": str(options.pool)}
    core = options.pinning.server
    with ExitStack() as stack:
        servers = {
            SHOP: stack.enter_context(
                serving_function(
                    "inventory", endpoint, database=database, port=options.port + 1, options=options
                )
            ),
            FASTAPI: stack.enter_context(
                serving(
                    "fastapi",
                    fastapi_command(options.port + 2),
                    port=options.port + 2,
                    core=core,
                    environment=environment | {"PYTHONPATH": str(_PEERS)},
                )
            ),
        }
        binary = build_go(_PEERS / "go_shop", "go_shop")
        if binary is not None:
            servers[GO] = stack.enter_context(
                serving(
                    "go",
                    [str(binary)],
                    port=options.port + 3,
                    core=core,
                    environment=environment | {"GOMAXPROCS": "1"},
                )
            )
        yield servers


def fastapi_command(port: int) -> list[str]:
    """One uvicorn process as a pod would run it; the access log is off, as a proxy keeps it."""
    return [
        sys.executable, "-m", "uvicorn", "fastapi_shop.app:app", "--host", "127.0.0.1",
        "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log",
    ]  # fmt: skip


def check_same_answers(endpoint: str, servers: dict[str, Server]) -> None:
    """See that all servers do the same work.

    Raises:
        BenchError: their answers differ in products, in a field, or in having a next page.
    """
    path = _PATHS[endpoint].replace("{n}", "7")
    seen: dict[str, object] = {}
    for name, server in servers.items():
        status, headers, body = fetch(server.address, path)
        answer = json.loads(body) if status == 200 else None
        if not answer:
            raise BenchError(f"{name} answers {status} to {path}: {body[:200]!r}")
        products = answer if isinstance(answer, list) else [answer]
        plain = [{key: product.get(key) for key in _FIELDS - {"created_at", "updated_at"}}
                 for product in products]  # fmt: skip
        dated = all({"created_at", "updated_at"} <= product.keys() for product in products)
        seen[name] = (plain, dated, isinstance(answer, list) and "link" in headers)
    first, *others = seen.items()
    for name, answer in others:
        if answer != first[1]:
            raise BenchError(f"{endpoint}: {name} answers otherwise than {first[0]}")


def _alternate(
    path: str, servers: dict[str, Server], database: int, options: Options
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in servers}
    for _ in range(options.rounds):
        for name, server in servers.items():
            load = Load(
                address=server.address,
                path=path,
                high=PRODUCTS,
                connections=options.connections,
                seconds=options.seconds,
                warmup=options.warmup,
            )
            runs[name].append(
                measure(load, server=server.pid, database=database, core=options.pinning.load)
            )
    return runs


def _table(endpoint: str, summaries: dict[str, Summary]) -> Table:
    mine = summaries[SHOP]
    rows = [
        [
            name,
            figure(each.rate),
            figure(mine.rate / each.rate),
            figure(each.server_cpu),
            figure(mine.server_cpu / each.server_cpu),
            figure(each.database_cpu),
            figure(each.p50),
            figure(each.p99),
        ]
        for name, each in summaries.items()
    ]
    what = f", {PAGE} of {PRODUCTS:,}" if endpoint == "list_products" else f" of {PRODUCTS:,}"
    columns = ["", "requests/s", "shop : it", "CPU µs", "shop : it", "PostgreSQL µs", "p50 ms",
               "p99 ms"]  # fmt: skip
    note = foreign_note(max(each.foreign_cores for each in summaries.values()))
    return Table(f"{endpoint}{what}: one process each", columns, rows, note)


def _goals(endpoint: str, summaries: dict[str, Summary]) -> list[Goal]:
    mine = summaries[SHOP].rate
    goals = [Goal(f"{endpoint}, against FastAPI", mine / summaries[FASTAPI].rate, 3.0)]
    if GO in summaries:
        ratio = mine / summaries[GO].rate
        goals.append(Goal(f"{endpoint}, against Go", ratio, 0.25, stretch=0.4))
    return goals
