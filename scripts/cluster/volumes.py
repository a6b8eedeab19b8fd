"""Volumes for a cluster of one node that has no storage class, in folders of that node.

Minikube and managed clusters have a default StorageClass, which gives a claim its volume; then
there is nothing to do here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster import waiting
from cluster.kubectl import NAMESPACE, ClusterError, Object, apply, delete, get, name_of
from cluster.render import containers, is_workload

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_FOLDER = "/var/lib/shophub"
_JOB = "shop-volumes"
_LABEL = "shophub.com/volume-of"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim to a volume: its name, how much it asks for, and which user writes there."""

    name: str
    storage: str
    user: int


def provide(objects: list[Object]) -> None:
    """Make a volume for each claim that no storage class serves, unless it has one."""
    wanted = claims(objects)
    bound = {name_of(each) for each in get("pvc") if each.get("spec", {}).get("volumeName")}
    wanted = [each for each in wanted if each.name not in bound]
    if not wanted or _served():
        return
    known = {name_of(each) for each in get("pv")}
    suffix = _suffix()
    missing = [each for each in wanted if _volume_name(suffix, each.name) not in known]
    if not missing:
        return
    (node, *others) = get("nodes")
    if others:
        raise ClusterError(
            f"The cluster has no default StorageClass, and {len(others) + 1} nodes: nothing gives "
            f"{', '.join(each.name for each in missing)} a volume. Install a StorageClass first."
        )
    print(f"  no storage class: the node keeps the data below {_FOLDER}/{suffix}", flush=True)
    made = [_volume(each, suffix, name_of(node)) for each in missing]
    folders = [str(each["spec"]["hostPath"]["path"]) for each in made]
    owners = zip(missing, folders, strict=True)
    commands = [
        f"mkdir -p {' '.join(folders)}",
        *(f"chown {each.user} {folder}" for each, folder in owners),
    ]
    _on_the_node("; ".join(commands), objects)
    apply(made)


def take_away(objects: list[Object]) -> None:
    """Delete the volumes that were made here and are not claimed any more, with what they hold."""
    made = get("pv", "-l", _LABEL)
    if made:
        delete("pv", *(name_of(each) for each in made))
        folders = " ".join(str(each["spec"]["hostPath"]["path"]) for each in made)
        _on_the_node(f"rm -rf {folders}", objects)


def claims(objects: list[Object]) -> list[Claim]:
    """The claims of an overlay that leave the storage class to the cluster."""
    own = {name_of(each): each for each in objects if each["kind"] == "PersistentVolumeClaim"}
    found = []
    for each in filter(is_workload, objects):
        pod = each["spec"]["template"]["spec"]
        user = pod.get("securityContext", {}).get("runAsUser", 0)
        for name, claim in _claims_of(each, own):
            if "storageClassName" not in claim:
                found.append(Claim(name, claim["resources"]["requests"]["storage"], user))
    return found


def _claims_of(each: Object, own: dict[str, Object]) -> Iterator[tuple[str, Object]]:
    for template in each["spec"].get("volumeClaimTemplates", []):
        for number in range(each["spec"].get("replicas", 1)):
            yield f"{name_of(template)}-{name_of(each)}-{number}", template["spec"]
    for volume in each["spec"]["template"]["spec"].get("volumes", []):
        name = volume.get("persistentVolumeClaim", {}).get("claimName")
        if name in own:
            yield name, own[name]["spec"]


def _served() -> bool:
    return any(
        each["metadata"].get("annotations", {}).get(_DEFAULT) == "true"
        for each in get("storageclass")
    )


def _suffix() -> str:
    """Another with each namespace: what an earlier shop left is not taken for this one's."""
    (namespace,) = get("namespace", NAMESPACE)
    return str(namespace["metadata"]["uid"])[:8]


def _volume_name(suffix: str, claim: str) -> str:
    return f"{NAMESPACE}-{suffix}-{claim}"


def _volume(claim: Claim, suffix: str, node: str) -> Object:
    """A volume for that claim alone, which stays when the claim goes."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _volume_name(suffix, claim.name), "labels": {_LABEL: suffix}},
        "spec": {
            "capacity": {"storage": claim.storage},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": NAMESPACE,
                "name": claim.name,
            },
            "hostPath": {"path": f"{_FOLDER}/{suffix}/{claim.name}", "type": "Directory"},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {
                                    "key": "kubernetes.io/hostname",
                                    "operator": "In",
                                    "values": [node],
                                }
                            ]
                        }
                    ]
                }
            },
        },
    }


def _on_the_node(command: str, objects: list[Object]) -> None:
    """Run a shell's command as root on the node's disk, in an image that the overlay has anyway.

    The shop's own namespace admits no such pod; it runs in that of the system.
    """
    (image,) = {
        container["image"]
        for each in objects
        for container in containers(each)
        if each["kind"] == "StatefulSet" and name_of(each) == "postgres"
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "folders",
                "image": image,
                "command": ["sh", "-ec", command],
                "securityContext": {"runAsUser": 0},
                "volumeMounts": [{"name": "disk", "mountPath": _FOLDER}],
            }
        ],
        "volumes": [{"name": "disk", "hostPath": {"path": _FOLDER, "type": "DirectoryOrCreate"}}],
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _JOB, "namespace": "kube-system"},
        "spec": {"backoffLimit": 2, "template": {"spec": pod}},
    }
    delete("job", _JOB, namespace="kube-system")
    apply([job])
    try:
        waiting.await_all(
            "folders of the node", "job", [_JOB], waiting.completed, namespace="kube-system"
        )
    finally:
        delete("job", _JOB, namespace="kube-system")
