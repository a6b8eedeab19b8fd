"""Functions as Knative runs them: pods, cold starts, concurrency, scaling."""

from dashboards.panels import COUNT, SECONDS, Board, Panel, Query, Row, choice

_FUNCTION = 'function=~"$function"'
_SERVICE = 'kn_service_name=~"$service"'

BOARD = Board(
    uid="shophub-knative",
    title="ShopHub - Knative",
    about="Pods by function, their starts, and what the autoscaler wants. The rows of the "
    "autoscaler have data on a cluster only.",
    variables=(
        choice("function", "Function", "function_start_time_seconds"),
        choice("service", "Knative Service", "kn_revision_pods_count", of="kn_service_name"),
    ),
    rows=(
        Row(
            "Functions",
            (
                Panel(
                    "Awake", "Functions that told of themselves within a minute. How many pods "
                    "each has, the autoscaler says below.",
                    (Query(
                        f"count by (function) (function_start_time_seconds{{{_FUNCTION}}} "
                        f"and time() - timestamp(function_start_time_seconds{{{_FUNCTION}}}) < 60)",
                        "{{function}}",
                    ),),
                ),
                Panel(
                    "Starts in the time shown", "Processes that began, cold starts among them. "
                    "On a cluster the Collector counts them; on one machine a restart is seen by "
                    "its time.",
                    (Query(
                        "sum by (function) "
                        f"(increase(function_starts_total{{{_FUNCTION}}}[$__range])) > 0 "
                        "or sum by (function) (changes("
                        f'function_start_time_seconds{{job!~"shophub/.+",{_FUNCTION}}}[$__range]))',
                        "{{function}}",
                    ),),
                    kind="gauge", unit=COUNT,
                ),
                Panel(
                    "Time of a start", "From the process's beginning until it served; what "
                    "Kubernetes needs before that comes on top.",
                    (Query(
                        f"max by (function) (function_start_duration_seconds{{{_FUNCTION}}})",
                        "{{function}}",
                    ),),
                    unit=SECONDS, steps=((None, "green"), (2, "orange"), (5, "red")),
                    alerts=("LatencyBurnsFast",),
                ),
                Panel(
                    "Concurrency by function", "Requests under way on average, over all pods.",
                    (Query(
                        f"sum by (function) (function:http_requests:concurrency1m{{{_FUNCTION}}})",
                        "{{function}}",
                    ),),
                    width=24,
                ),
            ),
        ),
        Row(
            "Autoscaler",
            (
                Panel(
                    "Pods wanted and there", "What the autoscaler asked for, and what runs.",
                    (
                        Query(
                            f"sum by (kn_service_name) (kn_revision_pods_desired{{{_SERVICE}}})",
                            "{{kn_service_name}} wanted",
                        ),
                        Query(
                            f"sum by (kn_service_name) (kn_revision_pods_count{{{_SERVICE}}})",
                            "{{kn_service_name}} there",
                        ),
                    ),
                    needs_knative=True,
                ),
                Panel(
                    "Pods not ready", "Pending or starting: a cold start under way.",
                    (
                        Query(
                            "sum by (kn_service_name) "
                            f"(kn_revision_pods_not_ready_count{{{_SERVICE}}})",
                            "{{kn_service_name}} not ready",
                        ),
                        Query(
                            "sum by (kn_service_name) "
                            f"(kn_revision_pods_pending_count{{{_SERVICE}}})",
                            "{{kn_service_name}} pending",
                        ),
                    ),
                    needs_knative=True, alerts=("LatencyBurnsFast",),
                ),
                Panel(
                    "Concurrency as it scales by", "Requests of a pod over the stable window, "
                    "beside the target.",
                    (
                        Query(
                            "sum by (kn_service_name) "
                            f"(kn_revision_concurrency_stable{{{_SERVICE}}})",
                            "{{kn_service_name}}",
                        ),
                        Query(
                            "max by (kn_service_name) "
                            f"(kn_revision_concurrency_target{{{_SERVICE}}})",
                            "{{kn_service_name}} target",
                        ),
                    ),
                    needs_knative=True,
                ),
                Panel(
                    "Panic", "1 while the autoscaler scales on the short window.",
                    (Query(
                        f"max by (kn_service_name) (kn_revision_panic_mode{{{_SERVICE}}})",
                        "{{kn_service_name}}",
                    ),),
                    needs_knative=True, width=24, height=6,
                ),
            ),
        ),
    ),
)  # fmt: skip
