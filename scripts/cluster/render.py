"""What an overlay says, as objects: rendered by kustomize, with the image and stamps filled in."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from cluster.kubectl import ClusterError, Object, kubectl, name_of
from local.layout import ROOT

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STAMP = "shophub.com/configuration"
WORKLOADS = ("Service", "Deployment", "StatefulSet", "Job")


def render(overlay: str, references: dict[str, str]) -> list[Object]:
    """The overlay's objects.

    `references` holds the images to run, by the last part of their name: functions, storefront.
    """
    folder = ROOT / "knative" / "overlays" / overlay
    if not folder.is_dir():
        known = sorted(path.name for path in folder.parent.iterdir() if path.is_dir())
        raise ClusterError(f"There is no overlay {overlay}; there are {', '.join(known)}.")
    documents = yaml.load_all(kubectl("kustomize", str(folder)), Loader=_LOADER)
    objects = [document for document in documents if document]
    for each in objects:
        for container in containers(each):
            _name_image(container, references)
    stamp(objects)
    return objects


def is_workload(each: Object) -> bool:
    """Whether it runs containers; a Service does where it is Knative's."""
    return each["kind"] in WORKLOADS and each["apiVersion"] != "v1"


def containers(each: Object) -> list[Object]:
    """The containers of a workload; none of anything else."""
    if not is_workload(each):
        return []
    return list(each["spec"]["template"]["spec"]["containers"])


def _name_image(container: Object, references: dict[str, str]) -> None:
    repository = container["image"].rpartition(":")[0] or container["image"]
    if repository.startswith(("dev.local/shop/", "shop/")):
        container["image"] = references.get(repository.rpartition("/")[2], container["image"])


def stamp(objects: list[Object], secrets: Mapping[str, str] | None = None) -> None:
    """Mark each workload with a sum of the ConfigMaps that it reads, and of the Secrets' versions.

    A changed setting or password then makes a new revision, or a rollout, as a changed image does.
    """
    found: dict[str, object] = {
        name_of(each): each.get("data", {}) for each in objects if each["kind"] == "ConfigMap"
    }
    found |= {f"secret {name}": version for name, version in (secrets or {}).items()}
    for each in objects:
        if is_workload(each):
            read = {name: found[name] for name in _read_by(each) if name in found}
            metadata = each["spec"]["template"].setdefault("metadata", {})
            metadata.setdefault("annotations", {})[STAMP] = digest(read)


def digest(document: object) -> str:
    """Twelve digits that stand for a document."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]


def _read_by(each: Object) -> Iterator[str]:
    """The ConfigMaps by name, the Secrets with their kind before it."""
    sources: list[Object] = []
    for container in containers(each):
        sources += container.get("envFrom", [])
        sources += [entry.get("valueFrom", {}) for entry in container.get("env", [])]
    for volume in each["spec"]["template"]["spec"].get("volumes", []):
        sources += [volume, *volume.get("projected", {}).get("sources", [])]
    for source in sources:
        for key, reference in source.items():
            if key in ("configMap", "configMapRef", "configMapKeyRef"):
                yield reference["name"]
            elif key in ("secret", "secretRef", "secretKeyRef"):
                yield f"secret {reference.get('secretName') or reference['name']}"


def databases(objects: list[Object]) -> list[str]:
    """The areas that have a database, by the Secrets that their functions read."""
    names = {
        source["secretRef"]["name"]
        for each in objects
        for container in containers(each)
        for source in container.get("envFrom", [])
        if "secretRef" in source
    }
    return sorted(n.removesuffix("-database") for n in names if n.endswith("-database"))
