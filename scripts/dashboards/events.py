"""Events on their way: outbox, relay, consumers, notifiers, courier, dead letters."""

from dashboards.panels import (
    NONE_IS_GOOD,
    PER_SECOND,
    SECONDS,
    SHARE,
    Board,
    Panel,
    Query,
    Row,
    choice,
)

_AREAS = ("inventory", "order")
_ANSWERS = "notification_http_requests_total"
_TAKERS = 'function=~"notify_.+|record_dead_letter"'
# What Knative retries.
_AGAIN = "404|408|409|429|5.."
_LATENCY = "notification_event_latency_seconds"

BOARD = Board(
    uid="shophub-events",
    title="ShopHub - Events",
    about="From an event's commit to its delivery, in the order in which it travels.",
    variables=(
        choice("type", "Type", "notification_event_latency_seconds_count"),
    ),
    rows=(
        Row(
            "The whole way",
            (
                Panel(
                    "Commit to notified", "Time from an event's commit to the commit of its "
                    "notification.",
                    tuple(
                        Query(
                            f"histogram_quantile({share}, sum by (le) "
                            f'(rate({_LATENCY}_bucket{{type=~"$type"}}[1m])))',
                            f"p{share * 100:.0f}", exemplars=True,
                        )
                        for share in (0.5, 0.95, 0.99)
                    ),
                    unit=SECONDS, steps=((None, "green"), (1, "orange"), (10, "red")), width=12,
                    alerts=("EventsLate",), traces="notify-order",
                ),
                Panel(
                    "Later than 10 s", "Share of the events whose notification took longer.",
                    (Query(
                        f'1 - sum(rate({_LATENCY}_bucket{{le=~"10|10.0",type=~"$type"}}[5m])) '
                        f'/ (sum(rate({_LATENCY}_count{{type=~"$type"}}[5m])) > 0)',
                        "late",
                    ),),
                    unit=SHARE, steps=((None, "green"), (0.05, "red")), width=6, most=1,
                    alerts=("EventsLate",),
                ),
                Panel(
                    "Dead letters", "Events that were given up: waiting, or sent again.",
                    (Query("shop:dead_letters:events", "{{state}}"),), width=6,
                    steps=NONE_IS_GOOD, alerts=("DeadLetters",),
                ),
            ),
        ),
        Row(
            "Outbox and relay",
            (
                Panel(
                    "Outbox backlog", "Events that are committed and not yet on Kafka.",
                    (Query("shop:outbox_backlog:events", "{{service}}"),), width=6,
                    alerts=("OutboxStuck", "LoopSilent"),
                ),
                Panel(
                    "Outbox age", "Age of the oldest of them.",
                    (Query("shop:outbox_oldest_age:seconds", "{{service}}"),), unit=SECONDS,
                    steps=((None, "green"), (60, "red")), width=6,
                    alerts=("OutboxStuck", "LoopSilent"),
                ),
                Panel(
                    "Published", "Events that Kafka acknowledged to the relays, a second.",
                    tuple(
                        Query(
                            f"sum by (type) (rate({area}_outbox_published_total[1m]))", "{{type}}"
                        )
                        for area in _AREAS
                    ),
                    unit=PER_SECOND, kind="bars", width=6, traces="orders-relay",
                ),
                Panel(
                    "Failures of the relays", "Rounds that failed, by what did not answer.",
                    tuple(
                        Query(
                            f"sum by (reason) (rate({area}_outbox_failures_total[1m]))",
                            f"{area} {{{{reason}}}}",
                        )
                        for area in _AREAS
                    ),
                    unit=PER_SECOND, width=6, alerts=("OutboxStuck",),
                ),
            ),
        ),
        Row(
            "Consumers",
            (
                Panel(
                    "Consumer lag", "Events on the topics that their notifier has not handled yet.",
                    (Query("max by (consumer) (shop:consumer_lag:events)", "{{consumer}}"),),
                    steps=((None, "green"), (500, "red")), width=6, alerts=("NotifierLag",),
                ),
                Panel(
                    "Answers to events", "204: done. 400: a dead letter at once. Others: the "
                    "event is offered again, and a dead letter at last.",
                    (Query(
                        f"sum by (function, status) (rate({_ANSWERS}{{{_TAKERS}}}[1m]))",
                        "{{function}} {{status}}",
                    ),),
                    unit=PER_SECOND, width=6, alerts=("DeadLetters",),
                ),
                Panel(
                    "Offered again", "Answers after which the same event comes once more.",
                    (Query(
                        f'sum by (function) (rate({_ANSWERS}{{{_TAKERS},status=~"{_AGAIN}"}}[1m])) '
                        f"or 0 * sum by (function) (rate({_ANSWERS}{{{_TAKERS}}}[1m]))",
                        "{{function}}",
                    ),),
                    unit=PER_SECOND, width=6, alerts=("NotifierLag",), traces="notify-order",
                ),
                Panel(
                    "Time of an answer", "p95 of the functions that take events.",
                    (Query(
                        "histogram_quantile(0.95, sum by (function, le) (rate("
                        f"notification_http_request_duration_seconds_bucket{{{_TAKERS}}}[1m])))",
                        "{{function}}",
                    ),),
                    unit=SECONDS, width=6, traces="notify-order",
                ),
            ),
        ),
        Row(
            "Notifiers and courier",
            (
                Panel(
                    "Time of a notifier", "p95 from an event's arrival to its commit.",
                    (Query(
                        "histogram_quantile(0.95, sum by (type, le) (rate("
                        "notification_message_processing_duration_seconds_bucket"
                        '{type=~"$type"}[1m])))',
                        "{{type}}", exemplars=True,
                    ),),
                    unit=SECONDS, width=6, alerts=("NotifierLag",), traces="notify-order",
                ),
                Panel(
                    "Duplicates", "Events that came again and changed nothing.",
                    (Query(
                        "sum by (type) (rate(notification_duplicate_events_total"
                        '{type=~"$type"}[1m]))',
                        "{{type}}",
                    ),),
                    unit=PER_SECOND, width=6,
                ),
                Panel(
                    "Undelivered", "Notifications stored and not yet delivered.",
                    (Query("shop:undelivered:notifications", "undelivered"),), width=6,
                    alerts=("NotificationsUndelivered", "LoopSilent"), traces="courier",
                ),
                Panel(
                    "Failed attempts", "Of the courier; they are tried again.",
                    (Query("sum(rate(notification_delivery_failures_total[1m]))", "attempts"),),
                    unit=PER_SECOND, width=6, alerts=("NotificationsUndelivered",),
                    traces="courier",
                ),
            ),
        ),
        Row(
            "Retention",
            (
                Panel(
                    "Pruned rows", "Rows deleted since they had had their time.",
                    tuple(
                        Query(
                            f"sum by (table) (rate({area}_pruned_rows_total[5m]))",
                            f"{area} {{{{table}}}}",
                        )
                        for area in (*_AREAS, "notification")
                    ),
                    unit=PER_SECOND, kind="bars", width=12, alerts=("PruningBehind",),
                ),
                Panel(
                    "Pruning overdue", "How long the oldest row that may go has been due.",
                    (Query("shop:pruning_overdue:seconds", "{{service}} {{table}}"),),
                    unit=SECONDS, steps=((None, "green"), (3600, "red")), width=12,
                    alerts=("PruningBehind",),
                ),
            ),
        ),
    ),
)  # fmt: skip
