"""Following the log of a function, loop or job: of the pods that it has, and of those that come."""

import subprocess
import time
from typing import Any

from cluster.kubectl import NAMESPACE, ClusterError, Object, get, name_of, program
from cluster.waiting import pods_of

_PAUSE = 1.0
_KINDS = ("ksvc", "deployment", "statefulset", "job")
_BESIDE = "queue-proxy"


def follow(function: str) -> None:
    """Print the last lines and what comes, until Ctrl-C; ClusterError for an unknown name."""
    name = function.replace("_", "-")
    if not any(get(kind, name) for kind in _KINDS):
        raise ClusterError(
            f"{function} is not deployed; `scripts/task status` shows what is, and "
            "`scripts/task deploy` deploys the shop."
        )
    followed: dict[str, subprocess.Popen[Any]] = {}
    lines = 50
    try:
        while True:
            for pod in pods_of(name):
                for life in lives(pod):
                    if life not in followed:
                        followed[life] = _follow(pod, lines)
            if not followed and lines > 0:
                print(f"{function} has no pod now; the next one's log is shown.", flush=True)
            lines = -1  # All that a pod says that comes from now on.
            time.sleep(_PAUSE)
    finally:
        for child in followed.values():
            child.terminate()


def lives(pod: Object) -> list[str]:
    """The present life of the pod's own container, by a name; none before it has begun."""
    return [
        f"{name_of(pod)} {each.get('restartCount', 0)}"
        for each in pod.get("status", {}).get("containerStatuses", [])
        if each["name"] != _BESIDE and "waiting" not in each.get("state", {})
    ]


def _follow(pod: Object, lines: int) -> subprocess.Popen[Any]:
    names = [each["name"] for each in pod["spec"]["containers"]]
    container = next(each for each in names if each != _BESIDE)
    kubectl = program("kubectl", "the cluster is spoken to by it")
    return subprocess.Popen(
        [
            kubectl, "-n", NAMESPACE, "logs", "--follow", f"--tail={lines}", "--prefix",
            name_of(pod), "-c", container,
        ]
    )  # fmt: skip
