"""What is deployed, and how it is: one row each, with the reason where something is not ready."""

from collections import Counter

from cluster.deploy import check
from cluster.kubectl import ClusterError, Object, get, name_of
from cluster.waiting import State, completed, conditions_met, rolled_out

_SERVICE = "serving.knative.dev/service"


def status() -> bool:
    """Print the table; whether all of it is ready."""
    check()
    functions = get("ksvc")
    if not functions:
        raise ClusterError("The shop is not deployed; `scripts/task deploy` does it.")
    pods = Counter(
        each["metadata"].get("labels", {}).get(_SERVICE)
        for each in get("pods")
        if "deletionTimestamp" not in each["metadata"]
    )
    rows = [("FUNCTION", "READY", "PODS", "REVISION AND TRAFFIC")]
    states: list[State] = []
    for each in functions:
        state = conditions_met(each)
        states.append(state)
        rows.append((name_of(each), _word(state), str(pods[name_of(each)]), _traffic(each, state)))
    rows += [("", "", "", ""), ("OTHER", "READY", "", "KIND")]
    for kind, judge in (
        ("deployments", rolled_out), ("statefulsets", rolled_out), ("jobs", completed),
        ("kafkasources", conditions_met), ("kafkasinks", conditions_met),
        ("pingsources", conditions_met),
    ):  # fmt: skip
        for each in get(kind):
            if _SERVICE in each["metadata"].get("labels", {}):
                continue  # A revision's own Deployment is shown with its function.
            state = judge(each)
            states.append(state)
            about = each["kind"] if state.ready else f"{each['kind']}: {state.reason}"
            rows.append((name_of(each), _word(state), "", about))
    for row in rows:
        print(f"  {row[0]:<20} {row[1]:<6} {row[2]:>4}  {row[3]}".rstrip())
    waiting = sum(not state.ready for state in states)
    print(f"  {'Everything is ready' if not waiting else f'{waiting} are not ready'}.")
    return not waiting


def _word(state: State) -> str:
    return "yes" if state.ready else "no"


def _traffic(each: Object, state: State) -> str:
    if not state.ready:
        return state.reason
    shares = [
        f"{part['revisionName']} {part['percent']} %"
        for part in each["status"].get("traffic", [])
        if part.get("percent")
    ]
    return ", ".join(shares)
