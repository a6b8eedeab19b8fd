"""Dashboards are what their code writes, and they name what exists."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dashboards.__main__ import BOARDS, FOLDER, documents
from dashboards.panels import Board, Panel, alert_names
from dashboards.variables import filled
from local.layout import ROOT
from tests.support.promql import Vocabulary, rules

DOCUMENTS = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
EVERY_DOCUMENT = pytest.mark.parametrize("name", DOCUMENTS)


@dataclass(frozen=True, slots=True)
class Shown:
    """An expression of a panel."""

    board: Board
    panel: Panel
    expression: str

    def __str__(self) -> str:
        return f"{self.board.uid}-{self.panel.title}"


def shown() -> Iterator[Shown]:
    for board in BOARDS:
        for panel in board.panels:
            for query in panel.queries:
                yield Shown(board, panel, query.expression)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.of_the_shop()


def panels(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in document["panels"]:
        yield from panel.get("panels") or ()
        if panel["type"] != "row":
            yield panel


def test_the_files_are_what_the_code_writes() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert written == documents(), "run scripts/task dashboards:write"


@pytest.mark.parametrize("each", list(shown()), ids=str)
def test_a_panel_names_metrics_and_labels_that_exist(each: Shown, vocabulary: Vocabulary) -> None:
    vocabulary.labels(filled(each.expression))


@pytest.mark.parametrize("each", list(shown()), ids=str)
def test_a_legend_names_labels_that_the_series_have(each: Shown, vocabulary: Vocabulary) -> None:
    labels = vocabulary.labels(filled(each.expression))
    legends = [q.legend for q in each.panel.queries if q.expression == each.expression]
    assert set(re.findall(r"\{\{(\w+)\}\}", "".join(legends))) <= labels


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_variable_takes_its_values_from_a_label_that_exists(
    board: Board, vocabulary: Vocabulary
) -> None:
    for variable in (each.build() for each in board.variables):
        asked = re.fullmatch(r"label_values\((.+), (\w+)\)", str(variable.query))
        assert asked is not None, variable.query
        assert asked[2] in vocabulary.labels(asked[1])


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_variable_is_used_and_every_one_that_is_used_exists(board: Board) -> None:
    text = "".join(query.expression for panel in board.panels for query in panel.queries)
    used = set(re.findall(r"\$(\w+)", text)) - {"__range", "__range_s", "__rate_interval"}
    assert used == {each.build().name for each in board.variables}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_panel_says_what_it_shows_and_in_which_unit(board: Board) -> None:
    for panel in board.panels:
        assert panel.about.endswith("."), panel.title
        assert panel.unit
        assert panel.queries


def test_every_alert_is_linked_to_from_a_panel_and_every_link_leads_to_one() -> None:
    linked = {alert for board in BOARDS for panel in board.panels for alert in panel.alerts}
    assert linked == {rule["alert"] for rule in rules() if "alert" in rule}


def test_a_link_to_the_runbook_shows_the_section_of_its_alert() -> None:
    sections = {panel["id"]: panel["title"] for panel in panels(DOCUMENTS["runbook.json"])}
    for document in DOCUMENTS.values():
        for panel in panels(document):
            for link in panel.get("links", []):
                if link["title"].startswith("Runbook: "):
                    number = re.fullmatch(r"/d/shophub-runbook\?viewPanel=(\d+)", link["url"])
                    assert number is not None
                    assert f"Runbook: {sections[int(number[1])]}" == link["title"]


def test_the_runbook_s_pages_are_its_sections() -> None:
    titles = [panel["title"] for panel in panels(DOCUMENTS["runbook.json"])]
    assert titles == alert_names()


def test_an_alert_names_a_dashboard_that_exists() -> None:
    uids = {document["uid"] for document in DOCUMENTS.values()}
    named = {rule["annotations"]["dashboard"] for rule in rules() if "alert" in rule}
    assert {path.removeprefix("/d/") for path in named} <= uids


def test_a_link_to_traces_names_a_service_that_sends_them() -> None:
    names = {path.stem for path in (ROOT / "knative" / "base").rglob("*.yaml")}
    services = {name.replace("_", "-") for name in names} | {"event-sources"}
    asked = {panel.traces for board in BOARDS for panel in board.panels} - {None}
    assert asked <= services


@EVERY_DOCUMENT
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    found = list(panels(DOCUMENTS[name]))
    assert len({panel["id"] for panel in found}) == len(found)
    cells: set[tuple[int, int]] = set()
    for panel in found:
        at = panel["gridPos"]
        covered = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & covered, panel["title"]
        cells |= covered


@EVERY_DOCUMENT
def test_a_dashboard_reads_from_data_sources_that_are_provisioned(name: str) -> None:
    provisioned = (ROOT / "observability" / "grafana" / "datasources.yaml").read_text()
    uids = set(re.findall(r'"uid": "(\w+)"', json.dumps(DOCUMENTS[name]["panels"])))
    assert uids <= set(re.findall(r"^ +uid: (\w+)$", provisioned, re.MULTILINE))


def test_the_overview_has_the_panels_that_were_promised() -> None:
    titles = {panel["title"] for panel in panels(DOCUMENTS["overview.json"])}
    assert DOCUMENTS["overview.json"]["title"] == "Microservices Inventory System - Overview"
    assert titles >= {
        "Request rate", "p95 latency", "Error rate", "Stock levels",
        "Event distribution by type", "Orders by status", "Notifications sent",
    }  # fmt: skip
