"""kubectl as a child process: JSON in, JSON out, and failures as sentences."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

NAMESPACE = "shop"
Object = dict[str, Any]


class ClusterError(Exception):
    """What was asked for cannot be done; the message is a sentence for the user."""


def program(name: str, why: str) -> str:
    """The path of a program; ClusterError where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise ClusterError(f"{name} is not installed, and {why}.")
    return found


def kubectl(*arguments: str, stdin: str | None = None, seconds: float = 120.0) -> str:
    """What kubectl prints; ClusterError with what it says where it fails."""
    command = [program("kubectl", "the cluster is spoken to by it"), *arguments]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise ClusterError(
            f"kubectl {arguments[0]} did not come back within {seconds:g} s."
        ) from None
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise ClusterError(f"kubectl {' '.join(arguments[:4])} … failed: {said}")
    return done.stdout


def get(kind: str, *arguments: str, namespace: str = NAMESPACE) -> list[Object]:
    """The objects of a kind; none where there are none, or where the namespace is missing."""
    printed = kubectl("-n", namespace, "get", kind, "-o", "json", "--ignore-not-found", *arguments)
    if not printed.strip():
        return []
    document = json.loads(printed)
    return list(document["items"]) if document["kind"].endswith("List") else [document]


def apply(objects: Iterable[Object]) -> None:
    """Make the cluster's objects be as these say, whoever has changed them meanwhile."""
    items = list(objects)
    if items:
        document = {"apiVersion": "v1", "kind": "List", "items": items}
        kubectl(
            "apply", "--server-side", "--force-conflicts", "--field-manager=shophub", "-f", "-",
            stdin=json.dumps(document),
        )  # fmt: skip


def delete(kind: str, *names: str, namespace: str = NAMESPACE, seconds: float = 180.0) -> None:
    """Delete objects and wait until they are gone; those that are missing are gone already."""
    if names:
        kubectl(
            "-n", namespace, "delete", kind, *names, "--ignore-not-found", "--wait=true",
            f"--timeout={seconds:g}s", seconds=seconds + 10,
        )  # fmt: skip


def condition(each: Object, kind: str) -> Object:
    """The condition of that type, or an empty one."""
    found: Sequence[Object] = each.get("status", {}).get("conditions", [])
    return next((c for c in found if c["type"] == kind), {})


def name_of(each: Object) -> str:
    """The object's name."""
    return str(each["metadata"]["name"])
