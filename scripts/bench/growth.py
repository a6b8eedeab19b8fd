"""What a page and a search cost as the catalogue grows from a thousand products on."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from bench.catalogue import (
    CATEGORY,
    COMMON_WORD,
    PREFIX,
    RARE_WORD,
    SCARCE_WORD,
    UNCOMMON_WORD,
    make_catalogue,
)
from bench.functions import serving_function
from bench.load import Load, send
from bench.options import Options
from bench.postgres import running_postgres
from bench.processes import BenchError, Server, fetch
from bench.report import Goal, Result, Table, figure
from shop.paging import encode_cursor

SMALL = 1_000
PAGE = 20
MOST_RATIO = 1.5
MOST_SEARCH_MS = 50.0
# What a cursor holds before the id, and the direction, of each sort.
_SORTS = {
    "newest": (None, "DESC"),
    "price": ("price", "ASC"),
    "-price": ("price", "DESC"),
    "name": ("lower(name)", "ASC"),
}
_FILTERS = {
    "all": ({}, "true"),
    "category": ({"category": CATEGORY}, f"category = '{CATEGORY}'"),
    "in stock": ({"in_stock": "true"}, "stock > 0"),
}
_DEPTHS = {"first": 0.0, "middle": 0.5, "last": 1.0}
_SEARCHES = {
    "a rare word": {"q": RARE_WORD},
    "a scarce word": {"q": SCARCE_WORD},
    "a common word": {"q": COMMON_WORD},
    "a prefix": {"q": PREFIX},
    "two words": {"q": f"{COMMON_WORD} {PREFIX}"},
    "no match": {"q": "nonesuch"},
    "a common word far behind": {"q": PREFIX, "sort": "name"},
    "a common word of the last names": {"q": "urban", "sort": "name"},
    "two common words far behind": {"q": "urban teapot", "sort": "name"},
    "common words that exclude each other": {"q": f"{COMMON_WORD} {UNCOMMON_WORD}"},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One page of both catalogues; cursors differ, what is asked does not."""

    sort: str
    chosen: str
    depth: str
    small: str
    large: str


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds: the medians, over rounds, of a percentile."""

    p50: float
    p99: float


def run(options: Options) -> Result:
    """Fill both catalogues, then ask for the same pages of each in turns."""
    sizes = {"small": SMALL, "large": options.catalogue}
    servers: dict[str, Server] = {}
    paths: dict[str, dict[tuple[str, str, str], str]] = {}
    with running_postgres(options.port, options.pinning.database) as postgres, ExitStack() as stack:
        for at, (size, count) in enumerate(sizes.items(), start=1):
            name = f"growth_{size}"
            url = make_catalogue(postgres, name, count, stock=500)
            with postgres.connect(name) as connection:
                paths[size] = dict(_pages(connection))
            served = serving_function(
                "inventory", "list_products", database=url, port=options.port + at,
                options=options, name=name,
            )  # fmt: skip
            servers[size] = stack.enter_context(served)
        cases = [
            Case(*key, small=path, large=paths["large"][key])
            for key, path in paths["small"].items()
        ]
        measured = {case: _compare(case, servers, options, options.page_rounds) for case in cases}
        # The worst of many ratios is partly chance: what exceeds the bound is looked at again.
        for case in cases:
            if _ratio(measured[case]) > MOST_RATIO:
                measured[case] = _compare(case, servers, options, 3 * options.page_rounds)
        searches = {
            name: _latency(f"/products?{urlencode({'limit': PAGE} | query)}", servers["large"],
                           options, seconds=options.search_seconds)
            for name, query in _SEARCHES.items()
        }  # fmt: skip
    return _result(measured, searches, options.catalogue)


def _pages(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield (sort, filter, depth) and the path of that page."""
    for chosen, (parameters, condition) in _FILTERS.items():
        where = sql.SQL(condition)
        counted = connection.execute(
            sql.SQL("SELECT count(*) FROM products WHERE {}").format(where)
        ).fetchone()
        total = counted[0] if counted else 0
        for sort, (key, direction) in _SORTS.items():
            for depth, share in _DEPTHS.items():
                query = {"limit": str(PAGE), "sort": sort} | parameters
                if share > 0:
                    row = _row_behind(connection, where, key, direction, share, total)
                    query["after"] = encode_cursor(*row)
                yield (sort, chosen, depth), f"/products?{urlencode(query)}"


def _row_behind(
    connection: psycopg.Connection[tuple[Any, ...]],
    where: sql.SQL,
    key: str | None,
    direction: str,
    share: float,
    total: int,
) -> tuple[Any, ...]:
    """Find the cursor's values of the row behind which a page begins, this deep into the list."""
    offset = int(share * (total - PAGE - 1))
    if share > 0.5:  # From the other end it is near.
        offset = total - 1 - offset
        direction = "ASC" if direction == "DESC" else "DESC"
    columns = ["id"] if key is None else [key, "id"]
    names = ", ".join(columns)
    order = ", ".join(f"{column} {direction}" for column in columns)
    statement = sql.SQL(
        "SELECT {} FROM products WHERE deleted_at IS NULL AND {} ORDER BY {} OFFSET {} LIMIT 1"
    ).format(sql.SQL(names), where, sql.SQL(order), offset)
    row = connection.execute(statement).fetchone()
    if row is None:
        raise BenchError(f"the catalogue has no row {offset}")
    return row


def _compare(
    case: Case, servers: dict[str, Server], options: Options, rounds: int
) -> tuple[Latency, Latency]:
    small, large = [], []
    for _ in range(rounds):
        small.append(_latency(case.small, servers["small"], options, seconds=options.page_seconds))
        large.append(_latency(case.large, servers["large"], options, seconds=options.page_seconds))
    return _median(small), _median(large)


def _latency(path: str, server: Server, options: Options, *, seconds: float) -> Latency:
    """One client at a time: what is measured is the page, not a queue."""
    load = Load(address=server.address, path=path, connections=1, seconds=seconds, warmup=0.05)
    answers = send(load, core=options.pinning.load)
    if answers.failures:
        raise BenchError(f"{path}: {answers.statuses} {answers.examples}")
    if answers.requests:
        return Latency(answers.latency_ms["p50"], answers.latency_ms["p99"])
    # Slower than the time it was given: what one takes says enough.
    began = time.perf_counter()
    status, _, body = fetch(server.address, path, timeout=30)
    if status != HTTPStatus.OK:
        raise BenchError(f"{path}: {status} {body[:200]!r}")
    taken = (time.perf_counter() - began) * 1000
    return Latency(taken, taken)


def _median(found: Sequence[Latency]) -> Latency:
    return Latency(median(each.p50 for each in found), median(each.p99 for each in found))


def _ratio(pair: tuple[Latency, Latency]) -> float:
    return pair[1].p99 / pair[0].p99


def _result(
    measured: dict[Case, tuple[Latency, Latency]], searches: dict[str, Latency], large: int
) -> Result:
    result = Result("growth")
    rows = []
    for sort in _SORTS:
        for chosen in _FILTERS:
            pairs = {
                case.depth: pair
                for case, pair in measured.items()
                if (case.sort, case.chosen) == (sort, chosen)
            }
            cells = [f"{figure(s.p99)} {figure(g.p99)} {figure(g.p99 / s.p99)}"
                     for s, g in pairs.values()]  # fmt: skip
            rows.append([f"{sort}, {chosen}", *cells])
    columns = ["sort, filter", *(f"{depth} page" for depth in _DEPTHS)]
    title = f"p99 of a page in ms: {SMALL:,} products, {large:,} products, ratio"
    result.tables.append(Table(title, columns, rows))
    found = [[name, figure(each.p50), figure(each.p99)] for name, each in searches.items()]
    title = f"a search among {large:,} products"
    result.tables.append(Table(title, ["", "p50 ms", "p99 ms"], found))
    for depth in _DEPTHS:
        case, pair = max(
            ((case, pair) for case, pair in measured.items() if case.depth == depth),
            key=lambda item: _ratio(item[1]),
        )
        result.goals.append(
            Goal(
                f"{depth} page of {large:,}, worst: {case.sort}, {case.chosen}", _ratio(pair),
                MOST_RATIO, at_least=False,
            )
        )  # fmt: skip
    worst = max(searches, key=lambda name: searches[name].p99)
    result.goals.append(
        Goal(
            f"search among {large:,}, worst: {worst}", searches[worst].p99, MOST_SEARCH_MS,
            unit="ms", at_least=False,
        )
    )  # fmt: skip
    result.data = {
        "pages_p99_ms": {
            f"{case.sort}, {case.chosen}, {case.depth}": [pair[0].p99, pair[1].p99]
            for case, pair in measured.items()
        },
        "searches_p99_ms": {name: each.p99 for name, each in searches.items()},
    }
    return result
