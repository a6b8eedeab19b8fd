"""Waiting for objects of the cluster, with progress, and with the reason where it takes long."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cluster import image
from cluster.kubectl import NAMESPACE, ClusterError, Object, condition, get, kubectl, name_of

_PAUSE = 1.0
_TELL_EVERY = 5.0
# A registry may fail for a moment, and a Secret come a moment later than its reader.
_PATIENCE_WITH_PODS = 15.0
# A process may die at first, because what it needs is not there yet.
_MOST_RESTARTS = 3
_NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")


@dataclass(frozen=True, slots=True)
class State:
    """Whether an object is as it should be; if not, what it says."""

    ready: bool
    reason: str = ""
    hopeless: bool = False


def await_all(
    what: str,
    kind: str,
    names: Sequence[str],
    state: Callable[[Object], State],
    *,
    seconds: float = 300.0,
    namespace: str = NAMESPACE,
) -> None:
    """Wait until each of the named objects is ready; ClusterError that says why one is not."""
    began = time.monotonic()
    told = began
    wanted = set(names)
    while wanted:
        objects = get(kind, *sorted(wanted), namespace=namespace)
        found = {name_of(each): state(each) for each in objects}
        states = {name: found.get(name, State(ready=False, reason="is missing")) for name in wanted}
        waiting = {name: each for name, each in states.items() if not each.ready}
        now = time.monotonic()
        if waiting and now - began > _PATIENCE_WITH_PODS:
            require_pods(waiting, namespace)
        hopeless = any(each.hopeless for each in waiting.values())
        if waiting and (hopeless or now - began > seconds):
            require_pods(waiting, namespace)
            raise ClusterError(_complaint(what, waiting, namespace))
        if not waiting or now - told > _TELL_EVERY:
            told = now
            line = f"  {what}: {len(wanted) - len(waiting)} of {len(wanted)} ready"
            first = next(iter(sorted(waiting.items())), None)
            if first:
                line += f"; {first[0]}: {first[1].reason[:60] or 'starting'}"
            print(f"{line} ({now - began:.0f} s)", flush=True)
        if not waiting:
            return
        time.sleep(_PAUSE)


def require_pods(names: Iterable[str], namespace: str = NAMESPACE) -> None:
    """ClusterError where a pod of one of the workloads waits for what does not come by itself."""
    for name in sorted(names):
        for pod in pods_of(name, namespace):
            for each in pod.get("status", {}).get("containerStatuses", []):
                if complaint := _in_vain(name, each):
                    last = _last_lines(name_of(pod), namespace)
                    raise ClusterError("\n".join([complaint, *(f"  {line}" for line in last)]))


def _in_vain(name: str, container: Object) -> str | None:
    waits = container.get("state", {}).get("waiting", {})
    reason = waits.get("reason")
    if reason in _NO_IMAGE:
        return _without_image(name, str(container["image"]))
    if reason == "CreateContainerConfigError":
        return f"{name} does not start: {waits.get('message', reason)}."
    if reason == "CrashLoopBackOff" and container.get("restartCount", 0) >= _MOST_RESTARTS:
        return f"{name} has died {container['restartCount']} times; the last that it said:"
    return None


def _without_image(name: str, reference: str) -> str:
    if any(each.reference == reference for each in image.images()):
        mend = "`scripts/task image` builds it, `scripts/task image:load` brings it there."
    else:
        mend = "The node cannot get it from its registry."
    return f"{name} does not start: the cluster has no image {reference}. {mend}"


def _complaint(what: str, waiting: dict[str, State], namespace: str) -> str:
    lines = [f"{what}: not ready are"]
    for name, each in sorted(waiting.items()):
        lines.append(f"  {name}: {each.reason or 'no reason given'}")
        lines += [f"    {line}" for line in _pods(name, namespace)]
    return "\n".join(lines)


def _pods(name: str, namespace: str) -> list[str]:
    """What the pods of a workload are waiting for, and the last that one of them has logged."""
    lines: list[str] = []
    for pod in pods_of(name, namespace):
        for each in pod.get("status", {}).get("containerStatuses", []):
            waits = each.get("state", {}).get("waiting") or each.get("lastState", {}).get(
                "terminated"
            )
            if waits:
                reason = f"{waits.get('reason', '')} {waits.get('message', '')}".strip()
                lines.append(f"{name_of(pod)}/{each['name']}: {reason[:160]}")
        scheduled = condition(pod, "PodScheduled")
        if scheduled.get("status") == "False":
            lines.append(f"{name_of(pod)}: {scheduled.get('message', '')}")
        lines += _last_lines(name_of(pod), namespace)
    return lines[:12]


def _last_lines(pod: str, namespace: str) -> list[str]:
    try:
        text = kubectl("-n", namespace, "logs", pod, "--all-containers", "--tail=4")
    except ClusterError:
        return []
    return text.strip().splitlines()[-4:]


def pods_of(name: str, namespace: str = NAMESPACE) -> list[Object]:
    """The pods of a Knative Service, a Deployment, a StatefulSet or a Job."""
    labels = ("serving.knative.dev/service", "app.kubernetes.io/name", "job-name")
    selections = (get("pods", "-l", f"{each}={name}", namespace=namespace) for each in labels)
    return next((pods for pods in selections if pods), [])


def conditions_met(each: Object) -> State:
    """Of what has a condition Ready: Knative's Services, sources and sinks."""
    ready = condition(each, "Ready")
    seen = each.get("status", {}).get("observedGeneration") == each["metadata"]["generation"]
    message = f"{ready.get('reason', '')} {ready.get('message', '')}".strip()
    return State(seen and ready.get("status") == "True", message)


def serves_newest(each: Object) -> State:
    """Of a Knative Service: ready, and with its newest revision."""
    state = conditions_met(each)
    status = each.get("status", {})
    newest = status.get("latestCreatedRevisionName")
    if state.ready and status.get("latestReadyRevisionName") != newest:
        return State(ready=False, reason=f"{newest} is not ready")
    hopeless = "RevisionFailed" in state.reason and "Unschedulable" not in state.reason
    return State(state.ready, state.reason, hopeless)


def rolled_out(each: Object) -> State:
    """Of a Deployment or a StatefulSet: every replica is new, and ready."""
    status, wanted = each.get("status", {}), each["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= each["metadata"]["generation"]
    number = status.get("readyReplicas", 0)
    ready = seen and status.get("updatedReplicas", 0) == wanted == number == status.get(
        "replicas", 0
    )
    return State(ready, f"{number} of {wanted} replicas are ready")


def completed(each: Object) -> State:
    """Of a Job: it has succeeded."""
    if condition(each, "Complete").get("status") == "True":
        return State(ready=True)
    failed = condition(each, "Failed")
    hopeless = failed.get("status") == "True"
    attempts = each.get("status", {}).get("failed", 0)
    return State(
        ready=False,
        reason=failed.get("message") or (f"{attempts} attempts failed" if attempts else "runs"),
        hopeless=hopeless,
    )
