"""What every dashboard is made of: panels in one manner, their links, and the board itself."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    piechart,
    prometheus,
    stat,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.piechart import PieChartType
from grafana_foundation_sdk.models.text import TextMode

RUNBOOK = Path(__file__).resolve().parents[2] / "observability" / "runbook.md"
RUNBOOK_UID = "shophub-runbook"
TAG = "shophub"
PROMETHEUS = models.DataSourceRef(type_val="prometheus", uid="prometheus")

SECONDS, RATE, COUNT, SHARE, PER_SECOND = "s", "reqps", "short", "percentunit", "ops"
# Seconds of an answer, at the edges of the latency objective.
READS = ((None, "green"), (0.1, "orange"), (0.5, "red"))
ERRORS = ((None, "green"), (0.001, "orange"), (0.01, "red"))
NONE_IS_GOOD = ((None, "green"), (1, "red"))

Steps = Sequence[tuple[float | None, str]]
Made = timeseries.Panel | stat.Panel | bargauge.Panel | piechart.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are named in the legend."""

    expression: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel. `alerts` links to the runbook, `traces` names a service of Jaeger to link to.

    `kind` is lines, bars (stacked over time), stat, gauge (a bar for each series) or pie.
    """

    title: str
    about: str
    queries: Sequence[Query]
    unit: str = COUNT
    kind: str = "lines"
    steps: Steps = ((None, "green"),)
    width: int = 8
    height: int = 8
    alerts: Sequence[str] = ()
    traces: str | None = None
    trace_tags: str = ""
    most: float | None = None
    # Of the cluster: there is no data where there is no Knative.
    needs_knative: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A heading with panels below it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard."""

    uid: str
    title: str
    about: str
    rows: Sequence[Row]
    variables: Sequence[Builder[models.VariableModel]] = field(default_factory=tuple)
    since: str = "now-30m"

    @property
    def panels(self) -> list[Panel]:
        """Every panel, in the order in which it is numbered from 1."""
        return [panel for row in self.rows for panel in row.panels]

    def build(self) -> models.Dashboard:
        """The dashboard as Grafana reads it."""
        built = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.about)
            .tags([TAG])
            .timezone("browser")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .refresh("10s")
            .time(self.since, "now")
            .readonly()
            .link(
                dashboard.DashboardLink("ShopHub")
                .type(models.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(True)  # noqa: FBT003 - the SDK's manner
                .keep_time(True)  # noqa: FBT003
            )
        )
        for variable in self.variables:
            built.with_variable(variable)
        number = 0
        for row in self.rows:
            built.with_row(dashboard.Row(row.title))
            for panel in row.panels:
                number += 1
                built.with_panel(_built(panel, number))
        return built.build()


def alert_names() -> list[str]:
    """The alerts that the runbook has sections for, in its order."""
    return re.findall(r"^## (\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)


def choice(
    name: str, label: str, series: str, of: str | None = None
) -> Builder[models.VariableModel]:
    """A variable whose values are those of a label; all of them at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query(f"label_values({series}, {of or name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)  # noqa: FBT003
        .include_all(True)  # noqa: FBT003
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def page(title: str, content: str, number: int, height: int) -> text.Panel:
    """A panel of text in Markdown."""
    return (
        text.Panel()
        .id(number)
        .title(title)
        .mode(TextMode.MARKDOWN)
        .content(content)
        .span(24)
        .height(height)
    )


def _built(panel: Panel, number: int) -> Made:
    made = _KINDS[panel.kind](panel)
    made.id(number).title(panel.title).description(panel.about).datasource(PROMETHEUS)
    made.unit(panel.unit).span(panel.width).height(panel.height)
    made.thresholds(
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value, colour) for value, colour in panel.steps])
    )
    if panel.most is not None:
        made.max(panel.most)
    made.min(0)
    links: list[Builder[models.DashboardLink]] = [_runbook_link(name) for name in panel.alerts]
    if panel.traces is not None:
        links.append(_trace_link(panel.traces, panel.trace_tags))
    if links:
        made.links(links)
        # On the series itself too, where the eye is.
        made.data_links(links)
    made.targets(_targets(panel))
    return made


def _targets(panel: Panel) -> list[Builder[Dataquery]]:
    targets: list[Builder[Dataquery]] = []
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query.expression).ref_id(letter).datasource(PROMETHEUS)
        target.legend_format(query.legend or "__auto")
        if query.exemplars:
            target.exemplar(True)  # noqa: FBT003
        if panel.kind in ("stat", "gauge", "pie"):
            target.instant()
        else:
            target.range()
        targets.append(target)
    return targets


def _runbook_link(alert: str) -> dashboard.DashboardLink:
    number = alert_names().index(alert) + 1
    return dashboard.DashboardLink(f"Runbook: {alert}").url(f"/d/{RUNBOOK_UID}?viewPanel={number}")


def _trace_link(service: str, tags: str) -> dashboard.DashboardLink:
    query = {
        "refId": "A", "datasource": {"type": "jaeger", "uid": "jaeger"},
        "queryType": "search", "service": service,
    } | ({"tags": tags} if tags else {})  # fmt: skip
    pane = {
        "datasource": "jaeger",
        "queries": [query],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    # Grafana replaces what is in braces, which therefore stays as it is.
    panes = quote(json.dumps({"traces": pane}, separators=(",", ":")), safe="${}_.")
    return dashboard.DashboardLink(f"Traces of {service}").url(
        f"/explore?schemaVersion=1&orgId=1&panes={panes}"
    )


def _lines(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .legend(_legend())
        .fill_opacity(8)
        .show_points(common_models.VisibilityMode.NEVER)
    )
    if len(panel.steps) > 1:
        made.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        )
    return made


def _bars(_: Panel) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .legend(_legend())
        .draw_style(common_models.GraphDrawStyle.BARS)
        .fill_opacity(70)
        .stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    )


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(True)  # noqa: FBT003
        .calcs(["lastNotNull", "max"])
    )


def _stat(_: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .color_mode(common_models.BigValueColorMode.BACKGROUND)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _gauge(_: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _pie(_: Panel) -> piechart.Panel:
    return (
        piechart.Panel()
        .pie_type(PieChartType.DONUT)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


_KINDS: dict[str, Callable[[Panel], Made]] = {
    "lines": _lines,
    "bars": _bars,
    "stat": _stat,
    "gauge": _gauge,
    "pie": _pie,
}
