"""Running one of the shop's commands inside the cluster, with its addresses and its image."""

import subprocess
import sys
import time
import uuid
from collections.abc import Mapping

from cluster.kubectl import NAMESPACE, ClusterError, Object, apply, condition, delete, get, program
from cluster.secrets import make_secret
from shop import keys

_SECONDS = 120.0
_LIKE = "create-topics"


def run(
    module: str,
    arguments: list[str],
    *,
    area: str = "notifications",
    secret: Mapping[str, str] | None = None,
) -> int:
    """Run `python -m module` in a Job of its own; its output here, its success as exit status.

    It gets the brokers, the area's database, the operator's key, and the variables of `secret`,
    which is gone with it.
    """
    found = get("job", _LIKE)
    if not found:
        raise ClusterError("The shop is not deployed; `scripts/task deploy` does it.")
    name = f"run-{uuid.uuid4().hex[:8]}"
    command = ["python", "-m", module, *arguments]
    try:
        if secret is not None:
            apply([make_secret(name, secret)])
        apply([_job(found[0], name, command, area, own_secret=secret is not None)])
        _await_start(name)
        kubectl = program("kubectl", "the cluster is spoken to by it")
        command = [kubectl, "-n", NAMESPACE, "logs", "--follow", f"job/{name}"]
        subprocess.run(command, check=False, stdout=sys.stdout, stderr=sys.stderr)
        return 0 if _succeeded(name) else 1
    finally:
        delete("job", name)
        if secret is not None:
            delete("secret", name)


def _job(
    like: Object, name: str, command: list[str], area: str, *, own_secret: bool = False
) -> Object:
    """A Job like that which makes the topics, with another command and a database as well."""
    pod = like["spec"]["template"]["spec"]
    container = pod["containers"][0] | {"name": "run", "command": command}
    container["envFrom"] = [
        *container["envFrom"],
        {"secretRef": {"name": f"{area}-database"}},
        {"secretRef": {"name": f"{keys.OPERATOR}-signing-key"}},
        *([{"secretRef": {"name": name}}] if own_secret else []),
    ]
    labels = {
        "app.kubernetes.io/name": name,
        "shophub.com/kafka": "client",
        "shophub.com/area": area,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 300,
            "template": {
                "metadata": {"labels": labels},
                "spec": pod | {"containers": [container], "restartPolicy": "Never"},
            },
        },
    }


def _await_start(name: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        pods = get("pods", "-l", f"app.kubernetes.io/name={name}")
        if pods and pods[0].get("status", {}).get("phase") in ("Running", "Succeeded", "Failed"):
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"The job {name} did not start within {_SECONDS:g} s.")
        time.sleep(0.3)


def _succeeded(name: str) -> bool:
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        found = get("job", name)
        if found and condition(found[0], "Complete").get("status") == "True":
            return True
        if found and condition(found[0], "Failed").get("status") == "True":
            return False
        time.sleep(0.3)
    return False
