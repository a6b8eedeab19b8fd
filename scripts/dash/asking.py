"""What the overview shows, asked of Prometheus."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

_SECONDS = 5.0
_ERRORS = 'sum by (service) (function:http_requests:rate1m{status=~"5.."})'

QUERIES = {
    "requests": "sum by (service) (function:http_requests:rate1m)",
    "errors": f"{_ERRORS} / (sum by (service) (function:http_requests:rate1m) > 0)",
    "p95": "histogram_quantile(0.95, sum by (service, le) "
    "(function:http_request_duration_seconds_bucket:rate1m))",
    "targets": "count by (job) (up)",
    "up": "sum by (job) (up)",
    "alerts": 'ALERTS{alertstate="firing"}',
    "budget": "slo:budget_left:ratio",
    "orders": "shop:orders:total",
    "ordering": "rate(shop:orders:total[1m])",
    "stuck": "shop:stuck:orders",
    "saga": "histogram_quantile(0.95, sum by (le) "
    "(rate(order_processing_duration_seconds_bucket[1m])))",
    "sent": "shop:notifications_sent:total",
    "sending": "rate(shop:notifications_sent:total[1m])",
    "undelivered": "shop:undelivered:notifications",
    "backlog": "shop:outbox_backlog:events",
    "age": "shop:outbox_oldest_age:seconds",
    "published": "sum by (type) (rate(inventory_outbox_published_total[1m])) "
    "or sum by (type) (rate(order_outbox_published_total[1m]))",
    "lag": "max by (consumer) (shop:consumer_lag:events)",
    "latency": "histogram_quantile(0.95, sum by (le) "
    "(rate(notification_event_latency_seconds_bucket[1m])))",
    "letters": "shop:dead_letters:events",
    "products": "shop:catalogue:products",
    "low": "shop:low_stock:products",
    "ledger": "shop:ledger_differences:products",
    "stock": "bottomk(10, shop:stock_levels:pieces)",
}

Series = tuple[Mapping[str, str], float]


class Unreachable(Exception):  # noqa: N818 - it is a state of Prometheus
    """Prometheus does not answer."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The answers, by the names of QUERIES."""

    series: Mapping[str, list[Series]]

    def by(self, name: str, label: str) -> dict[str, float]:
        """The values by a label, in the order of its values."""
        return dict(sorted((labels.get(label, ""), value) for labels, value in self.series[name]))

    def one(self, name: str) -> float | None:
        """The value of what has one; None where Prometheus knows none."""
        found = self.series[name]
        return found[0][1] if found else None


def ask(url: str) -> Readings:
    """Ask a Prometheus at `url` for everything.

    Raises:
        Unreachable: it does not answer.
    """
    return Readings({name: _ask(url, expression) for name, expression in QUERIES.items()})


def _ask(url: str, expression: str) -> list[Series]:
    address = f"{url}/api/v1/query?{urlencode({'query': expression})}"
    try:
        with urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 - an address of this machine
            document: Any = json.load(answer)
    except (OSError, ValueError) as error:
        raise Unreachable(str(error)) from None
    found = [(each["metric"], float(each["value"][1])) for each in document["data"]["result"]]
    return [(labels, value) for labels, value in found if not math.isnan(value)]
