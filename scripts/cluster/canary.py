"""A canary: this tree's version of one function gets a share of its requests, then all, or none."""

from cluster import image, secrets, waiting
from cluster.kubectl import ClusterError, Object, apply, get, name_of
from cluster.render import render, stamp

_STABLE = "stable"


def split(overlay: str, function: str, percent: int) -> None:
    """Deploy the function as it is in this tree, and send it that share of the requests.

    The rest goes to the revision that serves now. Said again with another share, it only moves
    the share. Both revisions have addresses of their own meanwhile, `canary-` and `stable-`
    before the function's.
    """
    if not 0 <= percent <= 100:
        raise ClusterError(f"PERCENT lies between 0 and 100, not at {percent}.")
    now = _service(function)
    stable = _stable(now)
    wanted = _of_this_tree(overlay, function)
    _apply(
        wanted,
        [
            {"revisionName": stable, "percent": 100 - percent, "tag": _STABLE},
            {"latestRevision": True, "percent": percent, "tag": "canary"},
        ],
    )
    if _newest(_service(function)) == stable:
        _apply(wanted, [{"latestRevision": True, "percent": 100}])
        raise ClusterError(f"{name_of(now)} is deployed as it is in this tree: nothing to try.")
    _tell(function)


def promote(overlay: str, function: str) -> None:
    """Send every request to the canary."""
    if _stable(_service(function)) == _newest(_service(function)):
        raise ClusterError(f"{function} has no canary.")
    _apply(_of_this_tree(overlay, function), [{"latestRevision": True, "percent": 100}])
    _tell(function)


def roll_back(overlay: str, function: str) -> None:
    """Send every request to the revision that served before the canary, until the next deploy."""
    stable = _stable(_service(function))
    if stable == _newest(_service(function)):
        raise ClusterError(f"{function} has no canary.")
    _apply(_of_this_tree(overlay, function), [{"revisionName": stable, "percent": 100}])
    _tell(function)


def _service(function: str) -> Object:
    found = get("ksvc", function.replace("_", "-"))
    if not found:
        raise ClusterError(f"{function} is not deployed; `scripts/task deploy` does it.")
    return found[0]


def _of_this_tree(overlay: str, function: str) -> Object:
    name = function.replace("_", "-")
    references = {each.name: each.reference for each in image.images()}
    objects = render(overlay, references)
    stamp(objects, secrets.versions())
    for each in objects:
        if each["apiVersion"].startswith("serving.") and name_of(each) == name:
            return each
    raise ClusterError(f"The overlay {overlay} has no function {function}.")


def _newest(each: Object) -> str:
    return str(each["status"]["latestCreatedRevisionName"])


def _stable(each: Object) -> str:
    """The revision that served before the canary; without one, the newest that is ready."""
    for part in each["spec"].get("traffic", []):
        if "revisionName" in part:
            return str(part["revisionName"])
    return str(each["status"]["latestReadyRevisionName"])


def _apply(each: Object, traffic: list[Object]) -> None:
    each["spec"]["traffic"] = traffic
    apply([each])
    name = name_of(each)
    waiting.await_all(name, "ksvc", [name], waiting.serves_newest)


def _tell(function: str) -> None:
    for part in _service(function)["status"]["traffic"]:
        if "percent" in part:
            print(f"  {part['revisionName']:<28} {part['percent']:>3} %  {part.get('tag', '')}")
