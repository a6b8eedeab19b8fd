"""Write observability/dashboards, and the operator's rules, anew: `python -m dashboards`."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import (
    events,
    gateway,
    inventory,
    knative,
    operator,
    orders,
    overview,
    runbook,
    slos,
)
from dashboards.panels import RUNBOOK, RUNBOOK_UID

FOLDER = RUNBOOK.parent / "dashboards"
BOARDS = tuple(
    module.BOARD for module in (overview, orders, inventory, events, gateway, knative, slos)
)


def documents() -> dict[str, str]:
    """The files' names and texts."""
    built = {board.uid: board.build() for board in BOARDS} | {RUNBOOK_UID: runbook.build()}
    return {
        f"{uid.removeprefix('shophub-')}.json": json.dumps(
            each, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for uid, each in built.items()
    }


def main(folder: Path = FOLDER) -> None:
    """Write the files, and delete those that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    written = documents()
    for path in folder.glob("*.json"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (folder / name).write_text(text, "utf-8")
    operator.FILE.write_text(operator.text(), "utf-8")


if __name__ == "__main__":
    main()
