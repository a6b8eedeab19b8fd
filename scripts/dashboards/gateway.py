"""What clients see: routes, statuses, latencies, and what the gateway could not pass on."""

from dashboards.panels import (
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

_ROUTE = 'service="gateway",route=~"$route"'
_REQUESTS = f"function:http_requests:rate1m{{{_ROUTE}}}"
_BUCKETS = f"function:http_request_duration_seconds_bucket:rate1m{{{_ROUTE}}}"

BOARD = Board(
    uid="shophub-gateway",
    title="ShopHub - Gateway",
    about="Every request of the browser and of other clients, by route.",
    variables=(choice("route", "Route", 'function:http_requests:rate1m{service="gateway"}'),),
    rows=(
        Row(
            "Routes",
            (
                Panel(
                    "Request rate", "By route.",
                    (Query(f"sum by (route) ({_REQUESTS})", "{{route}}"),), unit=RATE,
                ),
                Panel(
                    "p95 latency", "By route.",
                    (Query(
                        f"histogram_quantile(0.95, sum by (route, le) ({_BUCKETS}))", "{{route}}"
                    ),),
                    unit=SECONDS, steps=READS, alerts=("LatencyBurnsFast", "LatencyBurnsSlowly"),
                    traces="gateway", trace_tags="http.route=${__field.labels.route}",
                ),
                Panel(
                    "Error rate", "Share of a route's answers with 5xx.",
                    (Query(
                        "sum by (route) (function:http_requests:rate1m"
                        f'{{{_ROUTE},status=~"5.."}}) / sum by (route) ({_REQUESTS}) '
                        f"or 0 * sum by (route) ({_REQUESTS})",
                        "{{route}}",
                    ),),
                    unit=SHARE, steps=ERRORS, most=1,
                    alerts=("RouteFailing", "AvailabilityBurnsFast"),
                    traces="gateway", trace_tags="http.route=${__field.labels.route} error=true",
                ),
                Panel(
                    "Answers by status", "In a second.",
                    (Query(f"sum by (status) ({_REQUESTS})", "{{status}}"),), unit=RATE,
                    kind="bars", width=12,
                ),
                Panel(
                    "Latency", "Of all routes that are chosen, with links to traces.",
                    tuple(
                        Query(
                            f"histogram_quantile({share}, sum by (le) "
                            "(rate(gateway_http_request_duration_seconds_bucket"
                            '{route=~"$route"}[1m])))',
                            f"p{share * 100:.0f}", exemplars=True,
                        )
                        for share in (0.5, 0.95, 0.99)
                    ),
                    unit=SECONDS, steps=READS, width=12, traces="gateway",
                ),
            ),
        ),
        Row(
            "Not passed on",
            (
                Panel(
                    "Errors by type", "Requests that the gateway answered itself, by the type of "
                    "the problem.",
                    (Query("sum by (type) (rate(gateway_errors_total[1m]))", "{{type}}"),),
                    unit=PER_SECOND, width=12, alerts=("RouteFailing",), traces="gateway",
                    trace_tags="error=true",
                ),
                Panel(
                    "Requests under way", "On average, by service: seconds of work in a second.",
                    (Query(
                        "sum by (service) (function:http_requests:concurrency1m)", "{{service}}"
                    ),),
                    width=12,
                ),
            ),
        ),
        Row(
            "Protection",
            (
                Panel(
                    "Breakers", "0 closed, 1 half-open, 2 open: the worst that a gateway says.",
                    (Query("max by (service) (gateway_breaker_state)", "{{service}}"),),
                    steps=NONE_IS_GOOD, most=2, alerts=("BreakerOpen",),
                ),
                Panel(
                    "Not sent", "Requests that were not sent to a service, by its breaker or its "
                    "bulkhead.",
                    (Query(
                        "sum by (service, reason) (rate(gateway_refused_requests_total[1m]))",
                        "{{service}} {{reason}}",
                    ),),
                    unit=PER_SECOND, alerts=("BreakerOpen",),
                ),
                Panel(
                    "At the services", "Requests that a service has not answered, and those that "
                    "wait for their turn.",
                    (
                        Query("sum by (service) (gateway_upstream_in_flight)", "{{service}}"),
                        Query("sum by (service) (gateway_upstream_queued)", "{{service}} queued"),
                    ),
                ),
                Panel(
                    "Retries", "Requests that failed and may be repeated: sent again, or beyond a "
                    "tenth of all.",
                    (Query(
                        "sum by (service, outcome) (rate(gateway_retries_total[1m]))",
                        "{{service}} {{outcome}}",
                    ),),
                    unit=PER_SECOND,
                ),
                Panel(
                    "Limited", "Requests beyond a rate limit, by what they asked for, and requests "
                    "whose limit was decided without Redis.",
                    (
                        Query("sum by (class) (rate(gateway_limited_requests_total[1m]))",
                              "{{class}}"),
                        Query("sum(rate(gateway_rate_limit_fallbacks_total[1m]))",
                              "without Redis"),
                    ),
                    unit=PER_SECOND,
                ),
                Panel(
                    "Refused connections", "Cut off before there was a request: malformed, too "
                    "long, too slow, or too many.",
                    (Query(
                        "sum by (reason) (rate(gateway_refused_connections_total[1m]))",
                        "{{reason}}",
                    ),),
                    unit=PER_SECOND,
                ),
            ),
        ),
        Row(
            "Sign-ins",
            (
                Panel(
                    "Attempts to sign in", "By how they ended: signed in, refused, or locked out, "
                    "which is an address with too many attempts.",
                    (Query(
                        "sum by (outcome) (rate(identity_logins_total[1m]))", "{{outcome}}"
                    ),),
                    unit=PER_SECOND, alerts=("PasswordsGuessed",), traces="issue-token",
                ),
                Panel(
                    "Refresh tokens", "By what they were. A repeated one is the last that was "
                    "used, whose answer was lost; a reused one is older, and its session ends.",
                    (Query(
                        "sum by (outcome) (rate(identity_refreshes_total[1m]))", "{{outcome}}"
                    ),),
                    unit=PER_SECOND, traces="refresh-token",
                ),
                Panel(
                    "Sessions ended by reuse", "In the last hour: somebody else has their tokens.",
                    (Query(
                        'sum(increase(identity_refreshes_total{outcome="reused"}[1h]))', "reused"
                    ),),
                    kind="stat", steps=NONE_IS_GOOD, alerts=("RefreshTokenReused",),
                    traces="refresh-token",
                ),
            ),
        ),
    ),
)  # fmt: skip
