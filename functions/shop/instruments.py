"""Every instrument of the product, declared once; `observability/metrics.yaml` is held to it.

Names are those of OpenTelemetry. Prometheus shows a counter with `_total` and a histogram in
seconds with `_seconds` at its end, whether it reads `/metrics` or the Collector.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

# Seconds. OpenTelemetry's own defaults are meant for milliseconds; 25 and 150 ms are the
# edges of the product's latency objectives.
BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument: its OpenTelemetry name, kind, unit (UCUM), labels and meaning."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def prometheus_name(self) -> str:
        """The name under which Prometheus shows it (of a histogram, without `_bucket`)."""
        suffix = "_seconds" if self.unit == "s" else ""
        return self.name + suffix + ("_total" if self.kind == "counter" else "")


def _http(prefix: str) -> tuple[Instrument, ...]:
    labels = ("function", "method", "route", "status")
    return (
        Instrument(
            f"{prefix}_http_requests", "counter", "{request}", labels, "HTTP requests answered."
        ),
        Instrument(
            f"{prefix}_http_request_duration", "histogram", "s", ("function", "method", "route"),
            "Time from a request's first byte to its answer's last.",
        ),
    )  # fmt: skip


def _database(prefix: str) -> Instrument:
    return Instrument(
        f"{prefix}_db_query_duration", "histogram", "s", ("function", "statement"),
        "Time of one statement, the wait for a connection not counted.",
    )  # fmt: skip


def _outbox(prefix: str) -> tuple[Instrument, ...]:
    return (
        Instrument(
            f"{prefix}_outbox_backlog", "gauge", "{event}", (),
            "Events that are committed and not yet on Kafka.",
        ),
        Instrument(
            f"{prefix}_outbox_oldest_age", "gauge", "s", (),
            "Age of the oldest event that is not yet on Kafka; 0 where there is none.",
        ),
        Instrument(
            f"{prefix}_outbox_published", "counter", "{event}", ("type",),
            "Events that the broker has acknowledged to this relay.",
        ),
        Instrument(
            f"{prefix}_outbox_failures", "counter", "{failure}", ("reason",),
            "Rounds of the relay that failed, by what did not answer.",
        ),
        Instrument(
            f"{prefix}_consumer_lag", "gauge", "{event}", ("consumer",),
            "Events on the area's topic that its notifier has not handled yet, as the broker says.",
        ),
    )  # fmt: skip


def _pruning(prefix: str) -> tuple[Instrument, ...]:
    return (
        Instrument(
            f"{prefix}_pruned_rows", "counter", "{row}", ("table",),
            "Rows that were deleted since they had had their time.",
        ),
        Instrument(
            f"{prefix}_pruning_overdue", "gauge", "s", ("table",),
            "Time for which the oldest row that may go has been due; 0 where none is.",
        ),
    )  # fmt: skip


INSTRUMENTS: tuple[Instrument, ...] = (
    *_http("inventory"),
    *_http("order"),
    *_http("notification"),
    *_http("identity"),
    *_http("gateway"),
    Instrument(
        "function_starts", "counter", "{start}", ("function",),
        "Starts of a function's process, as a Collector adds them up.",
    ),
    Instrument(
        "function_start_time", "gauge", "s", ("function",),
        "Unix time at which a function's process began.",
    ),
    Instrument(
        "function_start_duration", "gauge", "s", ("function",),
        "Time from a function's process beginning until it served.",
    ),
    _database("inventory"),
    _database("order"),
    _database("notification"),
    _database("identity"),
    Instrument(
        "inventory_stock_levels", "gauge", "{piece}", ("product_id", "product"),
        "Pieces in stock of the 500 products that are nearest to their threshold.",
    ),
    Instrument("inventory_products", "gauge", "{product}", (), "Products in the catalogue."),
    Instrument(
        "inventory_low_stock_products", "gauge", "{product}", (),
        "Products at or below their threshold.",
    ),
    Instrument(
        "inventory_ledger_differences", "gauge", "{product}", (),
        "Products whose stock is not the sum of their movements; anything but 0 is a defect.",
    ),
    *_outbox("inventory"),
    *_pruning("inventory"),
    Instrument(
        "order_orders", "counter", "{order}", ("status",),
        "Orders that reached the status, counted in the database.",
    ),
    Instrument(
        "order_stuck_orders", "gauge", "{order}", (),
        "Orders pending for ORDER_STUCK_SECONDS or more, or cancelled with their stock still held.",
    ),
    Instrument(
        "order_processing_duration", "histogram", "s", ("outcome",),
        "Time of an order's saga, by how it ended.",
    ),
    Instrument(
        "order_settled_orders", "counter", "{order}", ("action",),
        "Orders that settle_orders cancelled, or whose stock it released.",
    ),
    *_outbox("order"),
    *_pruning("order"),
    Instrument(
        "notification_notifications_sent", "counter", "{notification}", ("type",),
        "Notifications delivered to every channel, counted in the database.",
    ),
    Instrument(
        "notification_delivery_failures", "counter", "{attempt}", (),
        "Attempts of the courier that failed and are tried again.",
    ),
    Instrument(
        "notification_undelivered", "gauge", "{notification}", (),
        "Notifications stored and not yet delivered.",
    ),
    Instrument(
        "notification_message_processing_duration", "histogram", "s", ("type",),
        "Time from an event's arrival at its notifier to its commit.",
    ),
    Instrument(
        "notification_event_latency", "histogram", "s", ("type",),
        "Time from an event's commit to the commit of its notification.",
    ),
    Instrument(
        "notification_duplicate_events", "counter", "{event}", ("type",),
        "Events that had been handled before and changed nothing.",
    ),
    Instrument(
        "notification_dead_letters", "gauge", "{event}", ("state",),
        "Dead letters by state: waiting or replayed.",
    ),
    *_pruning("notification"),
    Instrument(
        "identity_logins", "counter", "{login}", ("outcome",),
        "Attempts to sign in, by how they ended: signed_in, refused or locked_out.",
    ),
    Instrument(
        "identity_refreshes", "counter", "{refresh}", ("outcome",),
        "Refresh tokens that were sent, by what they were; reused says that one was stolen.",
    ),
    Instrument(
        "gateway_errors", "counter", "{error}", ("type",),
        "Requests that the gateway could not pass on, by the problem's type.",
    ),
    Instrument(
        "gateway_limited_requests", "counter", "{request}", ("class",),
        "Requests beyond the rate limit of an account or an address, by what they asked for.",
    ),
    Instrument(
        "gateway_rate_limit_fallbacks", "counter", "{request}", (),
        "Requests whose limit a gateway decided alone, because Redis did not answer.",
    ),
    Instrument(
        "gateway_breaker_state", "gauge", "{state}", ("service",),
        "A service's circuit breaker: 0 closed, 1 half-open, 2 open.",
    ),
    Instrument(
        "gateway_breaker_openings", "counter", "{opening}", ("service",),
        "How often a service's circuit breaker opened.",
    ),
    Instrument(
        "gateway_refused_requests", "counter", "{request}", ("service", "reason"),
        "Requests that were not sent to a service, by reason: breaker or bulkhead.",
    ),
    Instrument(
        "gateway_upstream_in_flight", "gauge", "{request}", ("service",),
        "Requests that a service has and has not answered.",
    ),
    Instrument(
        "gateway_upstream_queued", "gauge", "{request}", ("service",),
        "Requests that wait until a service has fewer.",
    ),
    Instrument(
        "gateway_retries", "counter", "{request}", ("service", "outcome"),
        "Requests that failed and may be repeated: sent again, or over-budget.",
    ),
    Instrument(
        "gateway_refused_connections", "counter", "{connection}", ("reason",),
        "Connections refused or cut off: malformed, too-long, too-slow or too-many.",
    ),
)  # fmt: skip

BY_NAME = {instrument.name: instrument for instrument in INSTRUMENTS}
AREA_PREFIX = {
    "inventory": "inventory",
    "orders": "order",
    "notifications": "notification",
    "identity": "identity",
    "gateway": "gateway",
}
