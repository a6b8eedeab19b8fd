"""What is seen of the shop on the cluster: panels have data, rules work, targets are up."""

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import yaml

from cluster.address import Address
from cluster.prove.books import Books, UnprovenError
from cluster.prove.prometheus import Prometheus, prometheus
from cluster.prove.traffic import Shop, Tally
from dashboards.__main__ import BOARDS
from dashboards.variables import filled
from local.layout import ROOT

_RULES = ROOT / "observability" / "prometheus" / "rules"
_AUTOSCALER = "knative-autoscaler"
_SECONDS = 120.0
# Of parts that run all the time, whatever else is tried meanwhile.
_NEVER = {"StockLedgerMismatch", "LoopSilent", "TargetDown", "SagaStuck", "OutboxStuck"}


async def telemetry(place: Address) -> None:
    """Every panel of every dashboard has data, every rule is loaded and evaluated."""
    shop = Shop(place)
    try:
        books = Books.opened()
        await shop.product(40)  # What `_drive` makes, it deletes again.
        await _drive(shop)
        await asyncio.to_thread(books.settle)
        with prometheus() as watching:
            wrong = await _empty_panels(shop, watching)
            wrong += await asyncio.to_thread(_faults_of_rules, watching)
    finally:
        await shop.close()
    if wrong:
        raise UnprovenError("; ".join(wrong))


async def _empty_panels(shop: Shop, watching: Prometheus) -> list[str]:
    """Targets that are down, and panels without data after a while of orders of every outcome."""
    deadline = time.monotonic() + _SECONDS
    while True:
        up = await asyncio.to_thread(watching.query, "up")
        targets = {each["metric"]["job"]: each["value"][1] == "1" for each in up}
        panels = list(_panels(scaling=targets.get(_AUTOSCALER, False)))
        empty = await asyncio.to_thread(_without_data, watching, panels)
        if not empty or time.monotonic() > deadline:
            break
        await _drive(shop)
        await asyncio.sleep(5)
    print(f"    {len(panels)} queries of {len(BOARDS)} dashboards, {len(empty)} without data")
    if not targets.get(_AUTOSCALER):
        print("    Knative's autoscaler does not show its metrics: its panels were left out")
    wrong = [f"no data: {board}, {title}" for board, title, _ in empty]
    return wrong + [f"{job} is down" for job in targets if not targets[job] and job != _AUTOSCALER]


async def _drive(shop: Shop) -> None:
    """Orders of every outcome, and the requests around them."""
    product = await shop.product(12)
    path = f"/api/products/{product}"
    await shop.order(product, Tally())
    _, order = await shop.send("POST", "/api/orders", {"product_id": product, "quantity": 1})
    await shop.send("POST", "/api/orders", {"product_id": product, "quantity": 1000})
    if order and "id" in order:
        await shop.send("POST", f"/api/orders/{order['id']}/cancel")
        await shop.send("GET", f"/api/orders/{order['id']}")
    await shop.send("POST", f"{path}/stock", {"quantity": 5})
    await shop.send("PUT", path, {"name": f"Proof {uuid4()}", "price": 9.5, "stock": 3})
    for each in (path, "/api/products", "/api/categories", "/api/orders", "/api/notifications",
                 "/api/dead-letters", "/api/nothing"):  # fmt: skip
        await shop.send("GET", each)
    await shop.send("DELETE", path)


def _panels(*, scaling: bool) -> Iterator[tuple[str, str, str]]:
    for board in BOARDS:
        for panel in board.panels:
            if scaling or not panel.needs_knative:
                for query in panel.queries:
                    yield board.uid, panel.title, filled(query.expression)


def _without_data(
    watching: Prometheus, panels: list[tuple[str, str, str]]
) -> list[tuple[str, str, str]]:
    def has_data(expression: str) -> bool:
        values = (float(each["value"][1]) for each in watching.query(expression))
        return any(not math.isnan(value) for value in values)

    return [panel for panel in panels if not has_data(panel[2])]


def _faults_of_rules(watching: Prometheus) -> list[str]:
    """Rules that are missing or fail, and alerts that should never fire."""
    groups: list[Any] = watching.ask("rules")["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    documents = [yaml.safe_load(path.read_text()) for path in _RULES.glob("*.yaml")]
    rules = [rule for each in documents for group in each["groups"] for rule in group["rules"]]
    written = {rule.get("alert") or rule["record"] for rule in rules}
    names = {rule["name"] for rule in loaded}
    print(f"    {len(loaded)} rules loaded of {len(rules)}")
    wrong = [f"{name} is not loaded" for name in sorted(written - names)]
    wrong += [
        f"{rule['name']}: {rule.get('lastError')}" for rule in loaded if rule["health"] == "err"
    ]
    firing = {each["metric"]["alertname"] for each in watching.query('ALERTS{alertstate="firing"}')}
    print(f"    firing: {', '.join(sorted(firing)) or 'no alert'}")
    return wrong + [f"{name} fires" for name in sorted(firing & _NEVER)]
