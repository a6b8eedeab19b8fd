"""The overview as lines of text."""

import time
from collections.abc import Callable, Iterator

from dash.asking import Readings

Paint = Callable[[str, int], str]

_SERVICES = ("gateway", "inventory", "orders", "notifications", "identity")
_BOLD, _RED, _GREEN, _YELLOW, _GREY = 1, 31, 32, 33, 90
_COLUMN = 46
_BAR = 16


def lines(readings: Readings, paint: Paint) -> Iterator[str]:
    """The page, line by line."""
    yield paint("Microservices Inventory System - Overview", _BOLD) + time.strftime("   %H:%M:%S")
    yield ""
    yield from _alerts(readings, paint)
    yield ""
    yield from _services(readings, paint)
    yield ""
    yield from _beside(list(_orders(readings, paint)), list(_events(readings, paint)))
    yield ""
    yield from _beside(list(_stock(readings, paint)), list(_notifications(readings, paint)))


def _alerts(readings: Readings, paint: Paint) -> Iterator[str]:
    firing = [labels for labels, _ in readings.series["alerts"]]
    if not firing:
        yield paint("No alert is firing.", _GREEN)
    for labels in sorted(firing, key=lambda each: each["alertname"]):
        rest = ", ".join(
            value
            for name, value in sorted(labels.items())
            if name not in ("alertname", "alertstate", "severity", "__name__")
        )
        colour = _YELLOW if labels.get("severity") == "info" else _RED
        yield paint(
            f"{labels.get('severity', ''):<7} {labels['alertname']}  {rest}".rstrip(), colour
        )
    targets, up = readings.by("targets", "job"), readings.by("up", "job")
    for job in targets:
        if up.get(job, 0) < targets[job]:
            yield paint(f"{targets[job] - up.get(job, 0):.0f} targets of {job} are down.", _RED)
    budget = readings.by("budget", "slo")
    if budget:
        left = ", ".join(f"{share:.0%} of {name}" for name, share in budget.items())
        colour = _RED if min(budget.values()) < 0 else _GREY
        yield paint(f"Error budget left, 30 days: {left}.", colour)


def _services(readings: Readings, paint: Paint) -> Iterator[str]:
    yield paint(f"{'SERVICE':<15} {'REQUESTS/S':>11} {'P95':>10} {'ERRORS':>8}", _BOLD)
    requests, p95, errors = (readings.by(n, "service") for n in ("requests", "p95", "errors"))
    for service in _SERVICES:
        share = errors.get(service, 0.0)
        latency = _time(p95.get(service))
        line = f"{service:<15} {_number(requests.get(service)):>11} {latency:>10} {share:>8.2%}"
        yield paint(line, _RED) if share > 0.01 else line


def _orders(readings: Readings, paint: Paint) -> Iterator[str]:
    yield paint("ORDERS", _BOLD)
    rates = readings.by("ordering", "status")
    for status, total in readings.by("orders", "status").items():
        yield f"  {status:<12} {total:>10,.0f}   {_number(rates.get(status))}/s"
    yield f"  {'saga p95':<12} {_time(readings.one('saga')):>10}"
    yield _warned("stuck", readings.one("stuck"), paint)


def _events(readings: Readings, paint: Paint) -> Iterator[str]:
    yield paint("EVENTS", _BOLD)
    published = sum(value for _, value in readings.series["published"])
    latency = _time(readings.one("latency"))
    yield f"  {'published':<18} {_number(published)}/s, notified in {latency} (p95)"
    backlog, age = readings.by("backlog", "service"), readings.by("age", "service")
    for service, events in backlog.items():
        line = f"  {f'outbox {service}':<18} {events:,.0f} waiting, {_time(age.get(service))} old"
        yield paint(line, _RED) if age.get(service, 0) > 60 else line
    for consumer, events in readings.by("lag", "consumer").items():
        line = f"  {f'lag {consumer}':<24} {events:,.0f}"
        yield paint(line, _YELLOW) if events > 100 else line
    yield _warned("dead letters", readings.by("letters", "state").get("waiting"), paint)


def _stock(readings: Readings, paint: Paint) -> Iterator[str]:
    products, low = readings.one("products"), readings.one("low")
    yield paint("STOCK", _BOLD) + f"  {products or 0:,.0f} products, {low or 0:,.0f} of them low"
    yield _warned("ledger differences", readings.one("ledger"), paint)
    levels = sorted((value, labels["product"]) for labels, value in readings.series["stock"])
    most = max((pieces for pieces, _ in levels), default=1) or 1
    for pieces, product in levels:
        bar = "█" * round(pieces / most * _BAR)
        yield f"  {_cut(product, 20):<20} {pieces:>6,.0f} {bar}"


def _notifications(readings: Readings, paint: Paint) -> Iterator[str]:
    yield paint("NOTIFICATIONS SENT", _BOLD)
    rates = readings.by("sending", "type")
    for type_, total in readings.by("sent", "type").items():
        yield f"  {type_:<20} {total:>8,.0f}   {_number(rates.get(type_))}/s"
    yield f"  {'undelivered':<20} {readings.one('undelivered') or 0:>8,.0f}"


def _beside(left: list[str], right: list[str]) -> Iterator[str]:
    for place in range(max(len(left), len(right))):
        here = left[place] if place < len(left) else ""
        there = right[place] if place < len(right) else ""
        yield (here + " " * max(1, _COLUMN - _width(here)) + there).rstrip()


def _warned(what: str, number: float | None, paint: Paint) -> str:
    line = f"  {what:<18} {'unknown' if number is None else f'{number:,.0f}'}"
    return paint(line, _RED) if number else line


def _width(text: str) -> int:
    """The characters that are seen: colours take no place."""
    seen, inside = 0, False
    for character in text:
        inside = inside or character == "\x1b"
        seen += not inside
        inside = inside and character != "m"
    return seen


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if value < 1_000 else f"{value:,.0f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:,.0f} s"
