"""The two objectives and their error budgets."""

from dashboards.panels import COUNT, RATE, SHARE, Board, Panel, Query, Row, choice

_BURN = ((None, "green"), (1, "orange"), (6, "red"))
_ALERTS = {
    "fast": ("AvailabilityBurnsFast", "LatencyBurnsFast"),
    "slow": ("AvailabilityBurnsSlowly", "LatencyBurnsSlowly"),
}

BOARD = Board(
    uid="shophub-slos",
    title="ShopHub - SLOs",
    about="Availability: 99.9 % of the gateway's answers are no 5xx. Latency: 99 % come in time, "
    "reads in 100 ms, writes in 500 ms. Both over 30 days.",
    variables=(choice("slo", "Objective", "slo:objective:ratio"),),
    since="now-6h",
    rows=(
        Row(
            "Budget",
            (
                Panel(
                    "Budget left", "Of the last 30 days: 100 % is all of it, below 0 it is "
                    "overdrawn.",
                    (Query('slo:budget_left:ratio{slo=~"$slo"}', "{{slo}}"),), unit=SHARE,
                    kind="stat", steps=((None, "red"), (0, "orange"), (0.25, "green")), width=6,
                ),
                Panel(
                    "Objectives", "Share of the requests that are to be good.",
                    (Query('slo:objective:ratio{slo=~"$slo"}', "{{slo}}"),), unit=SHARE,
                    kind="stat", width=6,
                ),
                Panel(
                    "Failures of the last hour", "Requests that missed an objective.",
                    (Query('slo:failures:count1h{slo=~"$slo"}', "{{slo}}"),), unit=COUNT,
                    kind="stat", steps=((None, "green"), (10, "orange")), width=6,
                    alerts=_ALERTS["fast"],
                ),
                Panel(
                    "Requests", "That count for the objectives, a second.",
                    (Query('slo:requests:rate5m{slo=~"$slo"}', "{{slo}}"),), unit=RATE, width=6,
                ),
            ),
        ),
        Row(
            "Burn rates",
            (
                Panel(
                    "Fast", "How many times faster than allowed the budget goes. An alert pages "
                    "above 14.4 over 1 h and 5 min, or above 6 over 6 h and 30 min.",
                    tuple(
                        Query(f'slo:burn_rate:{window}{{slo=~"$slo"}}', f"{{{{slo}}}} {window}")
                        for window in ("5m", "30m", "1h", "6h")
                    ),
                    steps=_BURN, width=12, height=10, alerts=_ALERTS["fast"], traces="gateway",
                    trace_tags="error=true",
                ),
                Panel(
                    "Slow", "A ticket above 3 over a day and 2 h, or above 1 over 3 days and 6 h.",
                    tuple(
                        Query(f'slo:burn_rate:{window}{{slo=~"$slo"}}', f"{{{{slo}}}} {window}")
                        for window in ("2h", "6h", "1d", "3d")
                    ),
                    steps=((None, "green"), (1, "orange"), (3, "red")), width=12, height=10,
                    alerts=_ALERTS["slow"],
                ),
            ),
        ),
    ),
)  # fmt: skip
