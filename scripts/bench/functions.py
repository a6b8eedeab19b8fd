"""Functions of the shop, each started alone as its pod would run it."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager

from bench.options import Options
from bench.processes import ROOT, Server, serving


def serving_function(
    area: str,
    function: str,
    *,
    database: str,
    port: int,
    options: Options,
    name: str = "",
    environment: Mapping[str, str] | None = None,
) -> AbstractContextManager[Server]:
    """Serve one function with telemetry on: metrics are recorded, each request is logged.

    `environment` adds to its variables, and wins over them.
    """
    return serving(
        name or function,
        [sys.executable, "-m", "shop.serve"],
        port=port,
        core=options.pinning.server,
        environment={
            "PYTHONPATH": str(ROOT / "functions"),
            "FUNCTION_TARGET": function,
            "FUNCTION_SOURCE": f"{area}/{function}.py",
            "DATABASE_URL": database,
            "DATABASE_POOL_SIZE": str(options.pool),
            "OTEL_METRICS_EXPORTER": "prometheus",
            "OTEL_TRACES_EXPORTER": "none",
            **(environment or {}),
        },
    )
