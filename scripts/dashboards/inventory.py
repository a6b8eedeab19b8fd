"""Products, stock and its ledger."""

from dashboards.panels import (
    NONE_IS_GOOD,
    RATE,
    READS,
    SECONDS,
    Board,
    Panel,
    Query,
    Row,
    choice,
)

BOARD = Board(
    uid="shophub-inventory",
    title="ShopHub - Inventory",
    about="Stock and its ledger, and the functions that read and change it.",
    variables=(
        choice("product", "Product", "shop:stock_levels:pieces"),
        choice("function", "Function", 'function:http_requests:rate1m{service="inventory"}'),
    ),
    rows=(
        Row(
            "Stock",
            (
                Panel(
                    "Products", "In the catalogue.",
                    (Query("shop:catalogue:products", "products"),), kind="stat", height=4,
                ),
                Panel(
                    "Low in stock", "Products at or below their threshold.",
                    (Query("shop:low_stock:products", "products"),), kind="stat", height=4,
                    steps=((None, "green"), (1, "orange")), alerts=("LowStock",),
                ),
                Panel(
                    "Ledger differences", "Products whose stock is not the sum of their movements. "
                    "Anything but 0 is a defect.",
                    (Query("shop:ledger_differences:products", "products"),), kind="stat",
                    height=4, steps=NONE_IS_GOOD, alerts=("StockLedgerMismatch",),
                ),
                Panel(
                    "Stock levels", "Of the 500 products nearest to their threshold; choose some "
                    "above.",
                    (Query(
                        'topk(40, shop:stock_levels:pieces{product=~"$product"})', "{{product}}"
                    ),),
                    width=16, height=10, alerts=("LowStock",),
                ),
                Panel(
                    "Fewest pieces", "The twenty with the fewest.",
                    (Query(
                        'sort(bottomk(20, shop:stock_levels:pieces{product=~"$product"}))',
                        "{{product}}",
                    ),),
                    kind="gauge", height=10, steps=((None, "red"), (5, "orange"), (10, "green")),
                    alerts=("LowStock",),
                ),
            ),
        ),
        Row(
            "Reservations",
            (
                Panel(
                    "Reservations", "Answers of reserve_stock: 200 took the stock, 409 refused.",
                    (Query(
                        "sum by (status) "
                        '(function:http_requests:rate1m{function="reserve_stock"})',
                        "{{status}}",
                    ),),
                    unit=RATE, alerts=("FunctionFailing",), traces="reserve-stock",
                ),
                Panel(
                    "Time of a reservation", "At reserve_stock, of any answer.",
                    tuple(
                        Query(
                            f"histogram_quantile({share}, sum by (le) "
                            "(function:http_request_duration_seconds_bucket:rate1m"
                            '{function="reserve_stock"}))',
                            f"p{share * 100:.0f}",
                        )
                        for share in (0.5, 0.95, 0.99)
                    ),
                    unit=SECONDS, steps=READS, alerts=("LatencyBurnsFast",), traces="reserve-stock",
                ),
                Panel(
                    "Time of its statement", "One statement takes the stock of a single line.",
                    (Query(
                        "histogram_quantile(0.95, sum by (statement, le) "
                        "(rate(inventory_db_query_duration_seconds_bucket"
                        '{function="reserve_stock"}[1m])))',
                        "p95 {{statement}}", exemplars=True,
                    ),),
                    unit=SECONDS, traces="reserve-stock",
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
                        '{service="inventory",function=~"$function"})',
                        "{{function}} {{status}}",
                    ),),
                    unit=RATE, alerts=("FunctionFailing",),
                ),
                Panel(
                    "p95 latency", "By function.",
                    (Query(
                        "histogram_quantile(0.95, sum by (function, le) "
                        "(function:http_request_duration_seconds_bucket:rate1m"
                        '{service="inventory",function=~"$function"}))',
                        "{{function}}",
                    ),),
                    unit=SECONDS, steps=READS, alerts=("LatencyBurnsFast",), traces="list-products",
                ),
                Panel(
                    "Statements", "p95 of each statement, waits for a connection not counted.",
                    (Query(
                        "histogram_quantile(0.95, sum by (function, statement, le) "
                        "(rate(inventory_db_query_duration_seconds_bucket"
                        '{function=~"$function"}[1m])))',
                        "{{function}} {{statement}}",
                    ),),
                    unit=SECONDS, traces="list-products",
                ),
            ),
        ),
    ),
)  # fmt: skip
