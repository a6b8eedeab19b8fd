"""Deploying: in the order in which things need one another, waiting for each before the next.

Running it again is an update. Functions are replaced a few at a time, so that the cluster keeps
room for those that answer; a revision gets requests when its first pod is ready.
"""

import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

from cluster import image, keys, passwords, secrets, volumes, waiting
from cluster.kubectl import (
    NAMESPACE,
    ClusterError,
    Object,
    apply,
    context,
    delete,
    get,
    kubectl,
    name_of,
)
from cluster.render import databases, digest, render, stamp

# Set on what the shop's own processes need before they start.
STAGE = "shophub.com/stage"
_SUM = "shophub.com/sum"
_KINDS = {
    "services.serving.knative.dev": "Knative Serving",
    "kafkasources.sources.knative.dev": "the KafkaSource of Knative Eventing",
    "kafkasinks.eventing.knative.dev": "the KafkaSink of Knative Eventing",
    "pingsources.sources.knative.dev": "Knative Eventing",
}
_EVENTING = ("KafkaSink", "KafkaSource", "PingSource")
_AT_ONCE = 4
# Callees before their callers, and the gateway, which calls all, last.
_AREAS = ("inventory", "orders", "notifications", "identity", "gateway", "storefront")
_AREA = "shophub.com/area"


def deploy(overlay: str, mark: str = "") -> None:
    """Bring the cluster to what the overlay says; ClusterError where it does not get there.

    Another `mark` than the last makes a new revision of every function, changed or not.
    """
    began = time.monotonic()
    check()
    print(f"The overlay {overlay} goes to {context()}.", flush=True)
    references = {each.name: each.reference for each in image.images()}
    objects = render(overlay, references)
    if mark:
        for each in filter(_is_function, objects):
            each["spec"]["template"]["metadata"]["annotations"]["shophub.com/mark"] = mark
    apply(each for each in objects if each["kind"] == "Namespace")
    if any(each["kind"] == "StatefulSet" and name_of(each) == "postgres" for each in objects):
        passwords.make(databases(objects))
    passwords.require(databases(objects))
    keys.make()
    volumes.provide(objects)
    stamp(objects, secrets.versions())

    apply(each for each in objects if _is_ground(each))
    data = [each for each in objects if each["metadata"].get("labels", {}).get(STAGE) == "data"]
    _roll_out("data and telemetry", [each for each in data if each["kind"] != "Job"])
    _run_jobs("databases", [each for each in data if each["kind"] == "Job"])
    rest = [each for each in objects if each not in data]
    _run_jobs("jobs", [each for each in rest if each["kind"] == "Job"])
    _serve([each for each in rest if _is_function(each)])
    _roll_out("loops", [each for each in rest if each["kind"] in ("Deployment", "StatefulSet")])
    _connect(rest)
    print(f"Deployed in {time.monotonic() - began:.0f} s. `scripts/task url` says where it is.")


def check() -> None:
    """Whether a cluster answers that has what the shop needs."""
    printed = kubectl("get", "crd", "-o", "name", "--request-timeout=10s")
    missing = sorted({what for kind, what in _KINDS.items() if f"/{kind}\n" not in printed})
    if missing:
        raise ClusterError(
            f"The cluster at {context()} lacks {', '.join(missing)}. "
            "`kubectl config use-context` chooses another; `scripts/task cluster:create` makes one "
            "that has them."
        )


def _is_function(each: Object) -> bool:
    return bool(each["kind"] == "Service" and each["apiVersion"].startswith("serving."))


def _is_ground(each: Object) -> bool:
    """What needs nothing: settings, addresses, policies."""
    workload = each["kind"] in ("Namespace", "Job", "Deployment", "StatefulSet", "EventType")
    return not (workload or each["kind"] in _EVENTING or _is_function(each))


def _roll_out(what: str, workloads: list[Object]) -> None:
    apply(workloads)
    for kind in ("StatefulSet", "Deployment"):
        names = [name_of(each) for each in workloads if each["kind"] == kind]
        waiting.await_all(what, kind.lower(), names, waiting.rolled_out)


def _run_jobs(what: str, jobs: list[Object]) -> None:
    """Run what has changed, and what has not succeeded; a Job cannot be changed, but replaced."""
    known = {name_of(each): each for each in get("jobs")}
    due = []
    for each in jobs:
        each["metadata"].setdefault("annotations", {})[_SUM] = digest(each["spec"])
        before = known.get(name_of(each))
        if before is None or not _same(before, each) or not waiting.completed(before).ready:
            due.append(each)
    delete("job", *(name_of(each) for each in due if name_of(each) in known))
    apply(due)
    waiting.await_all(what, "job", [name_of(each) for each in due], waiting.completed)


def _same(before: Object, now: Object) -> bool:
    marks: dict[str, Any] = before["metadata"].get("annotations", {})
    return bool(marks.get(_SUM) == now["metadata"]["annotations"][_SUM])


def _serve(functions: list[Object]) -> None:
    ordered = sorted(functions, key=lambda each: (_rank(each), name_of(each)))
    for first in range(0, len(ordered), _AT_ONCE):
        wave = ordered[first : first + _AT_ONCE]
        apply(wave)
        what = f"functions {first + 1} to {first + len(wave)} of {len(ordered)}"
        names = [name_of(each) for each in wave]
        waiting.await_all(what, "ksvc", names, waiting.serves_newest)


def _rank(each: Object) -> int:
    area = each["metadata"]["labels"].get(_AREA, "")
    return _AREAS.index(area) if area in _AREAS else len(_AREAS)


def _connect(objects: list[Object]) -> None:
    """Sinks before the sources that name them; event types last."""
    for kind in _EVENTING:
        chosen = [each for each in objects if each["kind"] == kind]
        apply(chosen)
        names = [name_of(each) for each in chosen]
        waiting.await_all(kind, kind.lower(), names, waiting.conditions_met)
    apply(each for each in objects if each["kind"] == "EventType")


def undeploy(overlay: str, *, data: bool) -> None:
    """Take the shop away; its volumes and passwords only where `data` is set."""
    if not kubectl("get", "namespace", NAMESPACE, "--ignore-not-found").strip():
        print(f"There is no shop at {context()}.")
        return
    print(f"The shop at {context()} goes.", flush=True)
    objects = render(overlay, {})
    for kind, names in _by_kind(objects):
        if names:
            print(f"  {kind}: {len(names)}", flush=True)
            delete(kind, *names)
    if data:
        kubectl("delete", "namespace", NAMESPACE, "--wait=true", seconds=300)
        volumes.take_away(objects)
        print("The shop is gone, with its data.")
    else:
        print("The shop is gone; its data and passwords stay for the next `scripts/task deploy`.")


def _by_kind(objects: list[Object]) -> Iterator[tuple[str, list[str]]]:
    """What takes events first, then what answers, then the rest."""
    first = ("PingSource", "KafkaSource", "KafkaSink", "EventType")
    kinds = dict.fromkeys(chain(first, (each["kind"] for each in objects)))
    for kind in kinds:
        if kind in ("Namespace", "Secret", "PersistentVolumeClaim"):
            continue
        chosen = [each for each in objects if each["kind"] == kind]
        if kind == "Service":
            yield "ksvc", [name_of(each) for each in chosen if _is_function(each)]
            chosen = [each for each in chosen if not _is_function(each)]
        yield kind.lower(), [name_of(each) for each in chosen]
