"""The whole shop on one page."""

from dashboards.panels import (
    COUNT,
    ERRORS,
    NONE_IS_GOOD,
    PER_SECOND,
    RATE,
    READS,
    SECONDS,
    SHARE,
    Board,
    Panel,
    Query,
    Row,
    choice,
)

_REQUESTS = 'sum by (service) (function:http_requests:rate1m{service=~"$service"})'
_ERRORS = (
    'sum by (service) (function:http_requests:rate1m{service=~"$service",status=~"5.."}) '
    f"/ {_REQUESTS} or 0 * {_REQUESTS}"
)
_P95 = (
    "histogram_quantile(0.95, sum by (service, le) "
    '(function:http_request_duration_seconds_bucket:rate1m{service=~"$service"}))'
)

BOARD = Board(
    uid="shophub-overview",
    title="Microservices Inventory System - Overview",
    about="Traffic, errors and latency of each service; stock, orders, events and notifications.",
    variables=(choice("service", "Service", "function:http_requests:rate1m"),),
    rows=(
        Row(
            "Now",
            (
                Panel(
                    "Alerts firing", "Alerts of any severity. The runbook has a section for each.",
                    (Query('count(ALERTS{alertstate="firing"}) or vector(0)', "alerts"),),
                    kind="stat", steps=NONE_IS_GOOD, width=4, height=4,
                ),
                Panel(
                    "Targets down", "Targets that Prometheus cannot scrape.",
                    (Query("count(up == 0) or vector(0)", "targets"),),
                    kind="stat", steps=NONE_IS_GOOD, width=4, height=4, alerts=("TargetDown",),
                ),
                Panel(
                    "Orders confirmed", "Since the shop began.",
                    (Query('shop:orders:total{status="confirmed"}', "confirmed"),),
                    kind="stat", width=4, height=4,
                ),
                Panel(
                    "Products", "In the catalogue.",
                    (Query("shop:catalogue:products", "products"),),
                    kind="stat", width=4, height=4,
                ),
                Panel(
                    "Low in stock", "Products at or below their threshold.",
                    (Query("shop:low_stock:products", "products"),),
                    kind="stat", steps=((None, "green"), (1, "orange")), width=4, height=4,
                    alerts=("LowStock",),
                ),
                Panel(
                    "Dead letters", "Events that were given up and wait to be sent again.",
                    (Query('shop:dead_letters:events{state="waiting"}', "waiting"),),
                    kind="stat", steps=NONE_IS_GOOD, width=4, height=4, alerts=("DeadLetters",),
                ),
            ),
        ),
        Row(
            "Services",
            (
                Panel(
                    "Request rate", "Requests answered in a second, by service.",
                    (Query(_REQUESTS, "{{service}}"),), unit=RATE,
                ),
                Panel(
                    "p95 latency", "Of each service's answers, 95 % took at most this long.",
                    (Query(_P95, "{{service}}"),), unit=SECONDS, steps=READS,
                    alerts=("LatencyBurnsFast", "LatencyBurnsSlowly"), traces="gateway",
                ),
                Panel(
                    "Error rate", "Share of the answers with 5xx, by service.",
                    (Query(_ERRORS, "{{service}}"),), unit=SHARE, steps=ERRORS, most=1,
                    alerts=("AvailabilityBurnsFast", "FunctionFailing"), traces="gateway",
                    trace_tags="error=true",
                ),
            ),
        ),
        Row(
            "Shop",
            (
                Panel(
                    "Stock levels", "The twenty of the products near their threshold with the "
                    "fewest pieces.",
                    (Query("sort(bottomk(20, shop:stock_levels:pieces))", "{{product}}"),),
                    kind="gauge", steps=((None, "red"), (5, "orange"), (10, "green")), height=10,
                    alerts=("LowStock",),
                ),
                Panel(
                    "Event distribution by type", "Events published in the time shown.",
                    (
                        Query(
                            "sum by (type) (increase(inventory_outbox_published_total[$__range]))",
                            "{{type}}",
                        ),
                        Query(
                            "sum by (type) (increase(order_outbox_published_total[$__range]))",
                            "{{type}}",
                        ),
                    ),
                    kind="pie", height=10,
                ),
                Panel(
                    "Orders by status", "Orders that reached each status, as the database knows "
                    "them. A cancelled order may have been confirmed before.",
                    (Query("shop:orders:total", "{{status}}"),), kind="pie", height=10,
                ),
                Panel(
                    "Orders", "Orders that reach each status in a second.",
                    (Query("rate(shop:orders:total[1m])", "{{status}}"),), unit=PER_SECOND,
                    width=12, traces="create-order",
                ),
                Panel(
                    "Notifications sent", "Notifications delivered to every channel, a second.",
                    (Query("rate(shop:notifications_sent:total[1m])", "{{type}}"),),
                    unit=PER_SECOND, width=12, alerts=("NotificationsUndelivered",),
                    traces="courier",
                ),
                Panel(
                    "Notifications sent since the shop began", "By type, from the database.",
                    (Query("shop:notifications_sent:total", "{{type}}"),), unit=COUNT,
                    kind="gauge", width=24, height=6,
                ),
            ),
        ),
    ),
)  # fmt: skip
