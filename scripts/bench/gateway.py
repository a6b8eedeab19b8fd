"""The gateway with all that it does, beside one that only passes on, and beside no gateway."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace

from bench.load import Load
from bench.measure import Run, Summary, measure, summarise
from bench.options import Options
from bench.processes import ROOT, Server, serving
from bench.report import Goal, Result, Table, figure, foreign_note
from shop import keys
from shop.tokens import AUDIENCE, DEFAULT_ISSUER

SHOP, FLASK, NONE = "shop, all on", "Flask + requests", "no gateway"
_PEERS = ROOT / "scripts" / "bench" / "peers"
_PATH = "/api/products/7"
# Where nothing waits for the processor, what a gateway adds is seen and not what queues.
_CALM_RATE = 100.0
_MOST = "100000000/minute"


def run(options: Options) -> Result:
    """Measure rates as fast as it goes, and waits at a rate that all of them bear."""
    result = Result("gateway")
    key = keys.generate("tokens.1")
    load = Load(
        address="", path=_PATH, header=f"Authorization: Bearer {_token(key)}",
        connections=options.connections, seconds=options.seconds, warmup=options.warmup,
    )  # fmt: skip
    calm = replace(load, rate=_CALM_RATE, connections=4)
    with _servers(key, options) as servers:
        fast, slow = ({name: [] for name in servers} for _ in range(2))  # type: ignore[var-annotated]
        for _ in range(options.rounds):
            for name, server in servers.items():
                fast[name].append(_measured(load, server, options))
                slow[name].append(_measured(calm, server, options))
    rates = {name: summarise(runs) for name, runs in fast.items()}
    waits = {name: summarise(runs) for name, runs in slow.items()}
    result.tables.append(_table(rates, waits))
    added = waits[SHOP].p50 - waits[NONE].p50
    result.goals += [
        Goal("gateway, against Flask", rates[SHOP].rate / rates[FLASK].rate, 2.0),
        Goal("gateway, p50 added", added, 2.0, unit="ms", at_least=False),
    ]
    result.data["rates"] = {name: asdict(each) for name, each in rates.items()}
    result.data["waits"] = {name: asdict(each) for name, each in waits.items()}
    return result


def _token(key: keys.Jwk) -> str:
    """An access token as issue_token gives it to a customer."""
    now = int(time.time())
    claims = {
        "iss": DEFAULT_ISSUER, "aud": AUDIENCE, "sub": "6f2a8a5e-3d0b-4c7e-9a51-0c1d2e3f4a5b",
        "role": "customer", "iat": now, "exp": now + 3600, "jti": "bench", "sid": "bench",
    }  # fmt: skip
    return keys.Signer(key).token(claims, "at+jwt")


@contextmanager
def _servers(key: keys.Jwk, options: Options) -> Iterator[dict[str, Server]]:
    secrets = keys.complete({})
    upstream = f"http://127.0.0.1:{options.port + 4}"
    core = options.pinning.server
    with ExitStack() as stack:

        def start(name: str, command: list[str], port: int, core: int, **settings: str) -> Server:
            return stack.enter_context(
                serving(name, command, port=port, core=core, environment=settings)
            )

        none = start(
            "hello",
            [sys.executable, "-m", "uvicorn", "hello:app", "--port", str(options.port + 4),
             "--loop", "uvloop", "--http", "httptools", "--no-access-log"],
            options.port + 4, options.pinning.load,
            PYTHONPATH=str(_PEERS), JWKS=json.dumps({"keys": [keys.public(key)]}),
        )  # fmt: skip
        shop = start(
            "gateway", [sys.executable, "-m", "shop.serve"], options.port + 5, core,
            PYTHONPATH=str(ROOT / "functions"), FUNCTION_TARGET="gateway",
            FUNCTION_SOURCE="gateway/gateway.py", UPSTREAM_URL=upstream,
            OTEL_METRICS_EXPORTER="prometheus", OTEL_TRACES_EXPORTER="none", AUTH="on",
            RATE_LIMITS="on", RATE_LIMIT_READ=_MOST,
            **secrets[keys.TRUSTED], **secrets["gateway-signing-key"],
        )  # fmt: skip
        flask = start(
            "flask_gateway",
            [sys.executable, "-m", "functions_framework", "--target", "gateway", "--source",
             str(_PEERS / "flask_gateway.py"), "--host", "127.0.0.1",
             "--port", str(options.port + 6)],
            options.port + 6, core, UPSTREAM=upstream,
        )  # fmt: skip
        yield {SHOP: shop, FLASK: flask, NONE: none}


def _measured(load: Load, server: Server, options: Options) -> Run:
    return measure(
        replace(load, address=server.address),
        server=server.pid,
        database=server.pid,
        core=options.pinning.load,
    )


def _table(rates: dict[str, Summary], waits: dict[str, Summary]) -> Table:
    rows = [
        [
            name,
            figure(each.rate),
            figure(rates[SHOP].rate / each.rate),
            figure(each.server_cpu),
            figure(waits[name].p50),
            figure(waits[name].p99),
        ]
        for name, each in rates.items()
    ]
    columns = ["", "requests/s", "shop : it", "CPU µs", "p50 ms", "p99 ms"]
    note = foreign_note(max(each.foreign_cores for each in rates.values()))
    title = f"gateway: tokens, limits, breakers on; p50 and p99 at {_CALM_RATE:.0f}/s"
    return Table(title, columns, rows, note)
