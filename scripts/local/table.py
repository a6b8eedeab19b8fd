"""The table of what runs where."""

from collections.abc import Callable, Iterator

from local.layout import HOST, Layout
from local.plan import Spec

_ABOUT = {
    "loop": "always there, one replica",
    "sources": "stands in for KafkaSource and PingSource; /metrics",
    "postgres": "PostgreSQL 18; scripts/task psql AREA=orders",
    "prometheus": "metrics, rules and alerts, scraped each 10 s",
    "grafana": "dashboards; admin/admin",
    "kafka": "Apache Kafka 4.1; scripts/task events:tail",
}


def lines(specs: list[Spec], layout: Layout, paint: Callable[[str, int], str]) -> Iterator[str]:
    """The table, line by line: what a user calls first, then what stands behind it."""
    yield ""
    yield paint(f"  {'WHAT':<20} {'WHERE':<28} ABOUT", 1)
    gateway = next(spec for spec in specs if spec.name == "gateway")
    storefront = f"http://{HOST}:{layout.storefront}"
    yield _row("storefront", storefront, "the shop for people; the gateway's paths beside it")
    yield _row("gateway", f"http://{HOST}:{gateway.port}", "everything under /api, /health, /docs")
    for area, port in layout.areas.items():
        names = ", ".join(s.name for s in specs if s.kind == "function" and s.area == area)
        yield _row(area, f"http://{HOST}:{port}", "its functions under their own paths, /metrics")
        for line in _wrapped(names, 56):
            yield _row("", "", line)
    for spec in specs:
        if spec.kind in _ABOUT:
            web = "" if spec.kind in ("postgres", "kafka") else "http://"
            yield _row(spec.name, f"{web}{HOST}:{spec.port}", _ABOUT[spec.kind])
    yield _row("logs", str(layout.logs), "as they came; scripts/task logs FUNCTION=create_order")
    yield ""


def _row(what: str, where: str, about: str) -> str:
    return f"  {what:<20} {where:<28} {about}".rstrip()


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) >= width:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line
