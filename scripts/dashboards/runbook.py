"""The runbook as a dashboard, so that a panel's link leads to it wherever Grafana runs."""

import re

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from dashboards.panels import RUNBOOK, RUNBOOK_UID, TAG, page


def build() -> models.Dashboard:
    """A page for each section, numbered as `panels.alert_names` has them."""
    built = (
        dashboard.Dashboard("ShopHub - Runbook")
        .uid(RUNBOOK_UID)
        .description("Each alert: what it means, how to see, decide and mend.")
        .tags([TAG])
        .readonly()
    )
    parts = re.split(r"^## (\w+)$", RUNBOOK.read_text("utf-8"), flags=re.MULTILINE)[1:]
    names = parts[::2]
    for number, (name, section) in enumerate(zip(names, parts[1::2], strict=True), start=1):
        # The next chapter's heading stands at the end of the last section before it.
        body = re.sub(r"^# .*\Z", "", section.strip(), flags=re.MULTILINE).strip()
        for other, place in zip(names, range(1, len(names) + 1), strict=True):
            body = body.replace(f"(#{other.lower()})", f"(/d/{RUNBOOK_UID}?viewPanel={place})")
        built.with_panel(page(name, body, number, height=6 + body.count("\n") // 2))
    return built.build()
