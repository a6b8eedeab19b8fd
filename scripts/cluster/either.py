"""Which shop a verb means that both kinds have: that of this machine, or that on the cluster."""

import os
import shutil
import sys

from cluster.kubectl import NAMESPACE, ClusterError, kubectl
from local.layout import Layout

_PLACES = ("local", "knative")


def on_knative() -> bool:
    """What WHERE says; without it, the platform of this machine where it runs, else the cluster."""
    chosen = os.environ.get("WHERE")
    if chosen:
        if chosen not in _PLACES:
            raise ClusterError(f"WHERE is {' or '.join(_PLACES)}, not {chosen}.")
        return chosen == "knative"
    if Layout.from_environment().state.exists() or shutil.which("kubectl") is None:
        return False
    try:
        found = kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--request-timeout=3s")
    except ClusterError:
        return False
    return bool(found.strip())


def run(words: list[str]) -> int:
    """Run the command where the shop is."""
    if on_knative():
        from cluster import commands

        return commands.main(words)
    return os.execv(sys.executable, [sys.executable, "-m", "local", *words])
