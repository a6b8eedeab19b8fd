"""Renders the project's overlays where kubectl is not installed.

It knows the part of kustomize that the project uses, and refuses anything else by name. A test
holds it against kubectl itself, where that is installed.
"""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

_KNOWN = {
    "apiVersion", "kind", "namespace", "resources", "components", "patches", "images",
    "configMapGenerator", "generatorOptions",
}  # fmt: skip
_CLUSTER_WIDE = {"Namespace"}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnknownFieldError(Exception):
    """A kustomization says something that this renderer does not know."""


def render(folder: Path) -> list[Object]:
    """The objects of a folder with a kustomization.yaml."""
    return _render(folder, [])


def _render(folder: Path, objects: list[Object]) -> list[Object]:
    kustomization = _read(folder / "kustomization.yaml")[0]
    _only(kustomization, _KNOWN, folder)
    for name in kustomization.get("resources", []):
        path = (folder / name).resolve()
        objects += _render(path, []) if path.is_dir() else _read(path)
    for generator in kustomization.get("configMapGenerator", []):
        _only(generator, {"name", "files"}, folder)
        if kustomization.get("generatorOptions") != {"disableNameSuffixHash": True}:
            raise UnknownFieldError(f"{folder}: generated names must have no hash")
        objects.append(_config_map(folder, generator))
    for name in kustomization.get("components", []):
        objects = _render((folder / name).resolve(), objects)
    if namespace := kustomization.get("namespace"):
        for each in objects:
            if each["kind"] not in _CLUSTER_WIDE:
                each["metadata"]["namespace"] = namespace
    for patch in kustomization.get("patches", []):
        _patch(objects, patch, folder)
    for image in kustomization.get("images", []):
        _name_image(objects, image, folder)
    return objects


def _read(path: Path) -> list[Any]:
    documents = yaml.load_all(path.read_text("utf-8"), Loader=_LOADER)
    return [copy.deepcopy(document) for document in documents if document]


def _only(given: Object, known: set[str], where: Path) -> None:
    if unknown := given.keys() - known:
        raise UnknownFieldError(f"{where}: {', '.join(sorted(unknown))}")


def _config_map(folder: Path, generator: Object) -> Object:
    data = {Path(name).name: (folder / name).read_text("utf-8") for name in generator["files"]}
    return {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]},
        "data": data,
    }  # fmt: skip


def _patch(objects: list[Object], patch: Object, folder: Path) -> None:
    _only(patch, {"path", "target"}, folder)
    _only(patch["target"], {"group", "kind", "name", "labelSelector"}, folder)
    operations = _read(folder / patch["path"])[0]
    for each in _targets(objects, patch["target"]):
        for operation in operations:
            _apply(each, operation)


def _name_image(objects: list[Object], image: Object, folder: Path) -> None:
    _only(image, {"name", "newName", "newTag"}, folder)
    for container in _containers(objects):
        if container["image"].partition(":")[0] == image["name"]:
            name = image.get("newName", image["name"])
            container["image"] = f"{name}:{image['newTag']}"


def _targets(objects: list[Object], target: Object) -> Iterator[Object]:
    for each in objects:
        group = each["apiVersion"].rpartition("/")[0]
        labels = each["metadata"].get("labels", {})
        key, _, value = target.get("labelSelector", "").partition("=")
        if (
            target.get("group", group) == group
            and target.get("kind", each["kind"]) == each["kind"]
            and re.fullmatch(target.get("name", ".*"), each["metadata"]["name"])
            and (not key or (key in labels and value in ("", labels[key])))
        ):
            yield each


def _containers(objects: list[Object]) -> Iterator[Object]:
    for each in objects:
        pod = each.get("spec", {}).get("template", {})
        if isinstance(pod, dict):
            yield from pod.get("spec", {}).get("containers", [])


def _apply(each: Object, operation: Object) -> None:
    """One operation of a JSON patch (RFC 6902)."""
    *parents, last = (
        part.replace("~1", "/").replace("~0", "~") for part in operation["path"][1:].split("/")
    )
    parent: Any = each
    for part in parents:
        parent = parent[int(part)] if isinstance(parent, list) else parent[part]
    value = copy.deepcopy(operation.get("value"))
    match operation["op"], parent:
        case "add", list() if last == "-":
            parent.append(value)
        case "add", list():
            parent.insert(int(last), value)
        case "add", dict():
            parent[last] = value
        case "replace", dict() if last in parent:
            parent[last] = value
        case "replace", list():
            parent[int(last)] = value
        case "remove", dict() if last in parent:
            del parent[last]
        case _:
            raise UnknownFieldError(f"{operation['op']} {operation['path']}")
