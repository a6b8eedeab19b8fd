"""Orders and their saga."""

from dashboards.panels import (
    NONE_IS_GOOD,
    PER_SECOND,
    RATE,
    SECONDS,
    SHARE,
    Board,
    Panel,
    Query,
    Row,
    choice,
)

_SAGA = "order_processing_duration_seconds"

BOARD = Board(
    uid="shophub-orders",
    title="ShopHub - Orders and saga",
    about="How orders end, how long their saga takes, and what is stuck.",
    variables=(
        choice("function", "Function", 'function:http_requests:rate1m{service="orders"}'),
    ),
    rows=(
        Row(
            "Saga",
            (
                Panel(
                    "Stuck orders", "Pending for longer than ORDER_STUCK_SECONDS, or cancelled "
                    "with their stock still held. settle_orders mends these within two minutes.",
                    (Query("shop:stuck:orders", "stuck"),), kind="stat", steps=NONE_IS_GOOD,
                    width=4, height=6, alerts=("SagaStuck",),
                ),
                Panel(
                    "Settled", "Orders that settle_orders cancelled or released.",
                    (Query(
                        "sum by (action) (increase(order_settled_orders_total[$__range]))",
                        "{{action}}",
                    ),),
                    kind="stat", steps=((None, "green"), (1, "orange")), width=4, height=6,
                ),
                Panel(
                    "Orders by status", "Orders that reached each status, from the database.",
                    (Query("shop:orders:total", "{{status}}"),), kind="pie", width=6, height=6,
                ),
                Panel(
                    "Refused", "Share of the decided orders that were rejected.",
                    (Query(
                        'sum(rate(shop:orders:total{status="rejected"}[5m])) / '
                        '(sum(rate(shop:orders:total{status=~"rejected|confirmed"}[5m])) > 0) '
                        "or vector(0)",
                        "rejected",
                    ),),
                    unit=SHARE, width=10, height=6, most=1,
                ),
                Panel(
                    "Orders", "Orders that reach each status in a second, from the database.",
                    (Query("rate(shop:orders:total[1m])", "{{status}}"),), unit=PER_SECOND,
                    kind="bars", width=12, traces="create-order",
                ),
                Panel(
                    "Sagas by outcome", "Sagas ended in a second, as create_order saw them.",
                    (Query(f"sum by (outcome) (rate({_SAGA}_count[1m]))", "{{outcome}}"),),
                    unit=PER_SECOND, width=12, alerts=("SagaStuck",), traces="create-order",
                ),
                Panel(
                    "Time of a saga", "From the request's validation to the decision.",
                    tuple(
                        Query(
                            f"histogram_quantile({share}, sum by (le) (rate({_SAGA}_bucket[1m])))",
                            f"p{share * 100:.0f}", exemplars=True,
                        )
                        for share in (0.5, 0.95, 0.99)
                    ),
                    unit=SECONDS, steps=((None, "green"), (0.5, "red")), width=24,
                    alerts=("LatencyBurnsFast",), traces="create-order",
                ),
            ),
        ),
        Row(
            "Functions",
            (
                Panel(
                    "Request rate", "By function and status.",
                    (Query(
                        "sum by (function, status) (function:http_requests:rate1m"
                        '{service="orders",function=~"$function"})',
                        "{{function}} {{status}}",
                    ),),
                    unit=RATE, alerts=("FunctionFailing",),
                ),
                Panel(
                    "p95 latency", "By function.",
                    (Query(
                        "histogram_quantile(0.95, sum by (function, le) "
                        "(function:http_request_duration_seconds_bucket:rate1m"
                        '{service="orders",function=~"$function"}))',
                        "{{function}}",
                    ),),
                    unit=SECONDS, steps=((None, "green"), (0.5, "red")), traces="create-order",
                ),
                Panel(
                    "p95 of statements", "By function and statement, waits for a connection not "
                    "counted.",
                    (Query(
                        "histogram_quantile(0.95, sum by (function, statement, le) "
                        '(rate(order_db_query_duration_seconds_bucket{function=~"$function"}[1m])))',
                        "{{function}} {{statement}}",
                    ),),
                    unit=SECONDS, traces="create-order",
                ),
            ),
        ),
    ),
)  # fmt: skip
