"""What telemetry costs: functions with metrics, traces and a line a request, and without any.

A read is one function alone. An order is `create_order` with the `reserve_stock` that it calls,
without the gateway and without what follows an order: there its share is the largest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from statistics import median

from bench.catalogue import make_inventory
from bench.functions import serving_function
from bench.load import Load, send
from bench.machine import cpu_seconds, foreign_cores, usage
from bench.options import Options
from bench.postgres import Postgres, running_postgres
from bench.processes import STATE, BenchError, Server
from bench.report import Goal, Result, Table, figure, foreign_note
from shop.migrate import migrate

PRODUCTS = 1_000
MOST_READ_MICROSECONDS = 100.0
LEAST_ORDER_RATE = 0.9
ON, OFF = "with telemetry", "without"
_SPANS = STATE / "spans.jsonl"
# As the local platform sets them; and the SDK switched off, the log above every level.
_SETTINGS: Mapping[str, Mapping[str, str]] = {
    ON: {
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_TRACES_EXPORTER": "file",
        "TRACES_FILE": str(_SPANS),
        "LOG_LEVEL": "info",
    },
    OFF: {
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_SDK_DISABLED": "true",
        "LOG_LEVEL": "critical",
    },
}


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: requests a second, and the functions' processor time for one in microseconds."""

    rate: float
    cpu: float
    foreign_cores: float


def run(options: Options) -> Result:
    """Measure reads and orders, alternating between with and without."""
    result = Result("telemetry")
    rows: list[list[str]] = []
    foreign: list[float] = []
    with running_postgres(options.port, options.pinning.database) as postgres:
        inventory = make_inventory(postgres, "telemetry", PRODUCTS)
        orders = postgres.create_database("telemetry_orders")
        migrate("orders", orders)
        for name, costs in (
            ("get_product", _reads(postgres, inventory, options)),
            ("create_order", _orders(postgres, inventory, orders, options)),
        ):
            medians = {setting: _median(of) for setting, of in costs.items()}
            rows += [
                [f"{name} {setting}", figure(cost.rate), figure(cost.cpu)]
                for setting, cost in medians.items()
            ]
            foreign += [cost.foreign_cores for cost in medians.values()]
            result.goals.append(_goal(name, medians))
            result.data[name] = {key: [asdict(each) for each in of] for key, of in costs.items()}
    note = (
        f"medians of {options.rounds} alternating runs; create_order counts the time of "
        f"reserve_stock as well. {foreign_note(max(foreign))}"
    )
    result.tables.append(Table("cost of telemetry", ["", "a second", "CPU µs"], rows, note))
    return result


def _goal(name: str, medians: Mapping[str, Cost]) -> Goal:
    if name == "create_order":
        ratio = medians[ON].rate / medians[OFF].rate
        return Goal("orders a second, with telemetry against without", ratio, LEAST_ORDER_RATE)
    spent = medians[ON].cpu - medians[OFF].cpu
    return Goal("telemetry on a read", spent, MOST_READ_MICROSECONDS, unit="µs", at_least=False)


def _reads(postgres: Postgres, database: str, options: Options) -> dict[str, list[Cost]]:
    def load(server: Server) -> Load:
        return Load(
            address=server.address, path="/products/{n}", high=PRODUCTS,
            connections=options.connections, seconds=options.seconds, warmup=options.warmup,
        )  # fmt: skip

    with ExitStack() as stack:
        servers = {
            setting: [
                stack.enter_context(
                    serving_function(
                        "inventory", "get_product", database=database, port=options.port + place,
                        options=options, name=f"get_product-{place}",
                        environment=_SETTINGS[setting],
                    )
                )
            ]
            for place, setting in enumerate(_SETTINGS, start=1)
        }  # fmt: skip
        return _alternate(servers, load, postgres, (), options)


def _orders(
    postgres: Postgres, inventory: str, orders: str, options: Options
) -> dict[str, list[Cost]]:
    def load(server: Server) -> Load:
        return Load(
            address=server.address, path="/orders", method="POST",
            body='{"product_id": {n}, "quantity": 1}', high=PRODUCTS, expect=201,
            connections=options.connections, seconds=options.seconds, warmup=options.warmup,
        )  # fmt: skip

    with ExitStack() as stack:
        servers = {
            setting: stack.enter_context(
                _saga(inventory, orders, _SETTINGS[setting], options.port + 10 * place, options)
            )
            for place, setting in enumerate(_SETTINGS, start=1)
        }
        written = (("telemetry", "products"), ("telemetry_orders", "orders"))
        return _alternate(servers, load, postgres, written, options)


@contextmanager
def _saga(
    inventory: str, orders: str, environment: Mapping[str, str], port: int, options: Options
) -> Iterator[list[Server]]:
    """create_order, and the reserve_stock that it calls."""
    with (
        serving_function(
            "inventory", "reserve_stock", database=inventory, port=port + 1, options=options,
            name=f"reserve_stock-{port}", environment=environment,
        ) as reserve,
        serving_function(
            "orders", "create_order", database=orders, port=port, options=options,
            name=f"create_order-{port}",
            environment={**environment, "RESERVE_STOCK_URL": f"http://{reserve.address}"},
        ) as create,
    ):  # fmt: skip
        yield [create, reserve]


def _alternate(
    servers: Mapping[str, list[Server]],
    load_of: Callable[[Server], Load],
    postgres: Postgres,
    written: Sequence[tuple[str, str]],
    options: Options,
) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {setting: [] for setting in servers}
    for number in range(options.rounds):
        # Forwards and backwards: what comes first in a round has no advantage in the end.
        for setting in list(servers)[:: 1 if number % 2 == 0 else -1]:
            for database, table in written:
                postgres.settle(database, table)
            costs[setting].append(_cost(load_of(servers[setting][0]), servers[setting], postgres,
                                        options))  # fmt: skip
    return costs


def _cost(load: Load, servers: list[Server], postgres: Postgres, options: Options) -> Cost:
    send(_lasting(load, load.warmup), core=options.pinning.load)
    pids = [server.pid for server in servers]
    machine, before = usage(*pids, postgres.pid), sum(map(cpu_seconds, pids))
    answers = send(_lasting(load, load.seconds), core=options.pinning.load)
    used = sum(map(cpu_seconds, pids)) - before
    foreign = foreign_cores(machine, usage(*pids, postgres.pid))
    if answers.failures or not answers.requests:
        raise BenchError(
            f"{load.method} {load.path}: {answers.failures} of {answers.requests} answers were not "
            f"{load.expect}: {answers.statuses}, such as {answers.examples}"
        )
    return Cost(answers.rate, used / answers.requests * 1e6, foreign)


def _lasting(load: Load, seconds: float) -> Load:
    return replace(load, seconds=seconds, warmup=0.0)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(cost.rate for cost in costs),
        median(cost.cpu for cost in costs),
        median(cost.foreign_cores for cost in costs),
    )
