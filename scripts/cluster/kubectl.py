"""kubectl as a child process: JSON in, JSON out, and failures as sentences."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

NAMESPACE = "shop"
Object = dict[str, Any]


# What kubectl says where its cluster is not there, or is not the one that is meant.
_SILENT = re.compile(
    r"was refused|no such host|i/o timeout|Unable to connect|context .*does not exist|"
    r"no context exists|context was not found|no route to host|TLS handshake|ServiceUnavailable|"
    r"must be logged in|certificate signed by unknown",
    re.IGNORECASE,
)
_UNKNOWN_KIND = re.compile(r"doesn't have a resource type \"(\w+)\"|no matches for kind \"(\w+)\"")


class ClusterError(Exception):
    """What was asked for cannot be done; the message is a sentence for the user."""


class UnreachableError(ClusterError):
    """No cluster answers where kubectl looks for one."""


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
        raise _error(arguments, done.stderr.strip() or done.stdout.strip())
    return done.stdout


def _error(arguments: Sequence[str], said: str) -> ClusterError:
    # Without a context kubectl asks whatever listens on port 8080: the shop of this machine, maybe.
    if _SILENT.search(said) or not context_name():
        return UnreachableError(
            f"No cluster answers at {context()}. `kubectl config use-context` chooses one that "
            f"runs, `scripts/task cluster:create` makes one. ({said.splitlines()[-1]})"
        )
    if found := _UNKNOWN_KIND.search(said):
        return ClusterError(
            f"The cluster at {context()} knows no {found[1] or found[2]}, so it has no Knative, or "
            "not all of its parts. `kubectl config use-context` chooses another; "
            "`scripts/task cluster:create` makes one that has them."
        )
    return ClusterError(f"kubectl {' '.join(arguments[:4])} … failed: {said}")


def context_name() -> str:
    """The context of kubectl's configuration, or nothing."""
    command = [program("kubectl", "the cluster is spoken to by it"), "config", "current-context"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def context() -> str:
    """Where kubectl looks for its cluster, in words."""
    name = context_name()
    return f"kubectl's context {name}" if name else "kubectl's default address"


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
