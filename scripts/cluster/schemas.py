"""Write what the API server takes of each kind that the overlays use: `python -m cluster.schemas`.

It asks the cluster of kubectl for its OpenAPI documents, which hold Knative's kinds as well, and
keeps names, types and bounds of the fields that the manifests write. A field that nobody writes is
left out: whoever is the first to write it runs this again, and learns whether there is such a
field.
"""

import json
import sys
from collections import defaultdict
from typing import Any

from cluster.kubectl import ClusterError, Object, kubectl
from local.layout import ROOT

_TARGET = ROOT / "tests" / "contract" / "kubernetes.json"
_KEPT = ("type", "enum", "format", "pattern", "minimum", "maximum", "required", "minItems")
_OPEN = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"


def main() -> int:
    """Write the file; ClusterError where a manifest has a field that the API server lacks."""
    used: dict[tuple[str, str], list[Object]] = defaultdict(list)
    for each in _overlays():
        used[each["apiVersion"], each["kind"]].append(each)
    schemas = {
        f"{version} {kind}": _pruned(_schema(version, kind), objects, Document(version))
        for (version, kind), objects in sorted(used.items())
    }
    _TARGET.write_text(json.dumps(schemas, indent=1, sort_keys=True) + "\n")
    print(f"{_TARGET.relative_to(ROOT)}: {len(schemas)} kinds")
    return 0


def _overlays() -> list[Object]:
    import yaml

    objects: list[Object] = []
    for folder in sorted((ROOT / "knative" / "overlays").iterdir()):
        documents = yaml.safe_load_all(kubectl("kustomize", str(folder)))
        objects += [document for document in documents if document]
    return objects


class Document:
    """The OpenAPI document of an API version."""

    _read: dict[str, Object] = {}  # noqa: RUF012 - read once a process

    def __init__(self, version: str) -> None:
        path = f"/openapi/v3/{'apis' if '/' in version else 'api'}/{version}"
        if path not in self._read:
            self._read[path] = json.loads(kubectl("get", "--raw", path))
        self.schemas: Object = self._read[path]["components"]["schemas"]

    def resolved(self, schema: Object) -> Object:
        """The schema itself, where this is a reference to one."""
        while True:
            if "allOf" in schema:
                schema = schema["allOf"][0]
            elif "$ref" in schema:
                schema = self.schemas[schema["$ref"].rpartition("/")[2]]
            else:
                return schema


def _schema(version: str, kind: str) -> Object:
    group, _, short = version.rpartition("/")
    wanted = {"group": group, "version": short, "kind": kind}
    for schema in Document(version).schemas.values():
        if wanted in schema.get("x-kubernetes-group-version-kind", []):
            return dict(schema)
    raise ClusterError(f"The cluster knows no {kind} of {version}.")


def _pruned(schema: Object, values: list[Any], document: Document, path: str = "") -> Object:
    """The schema of what is written: as strict as the whole, without what nobody writes."""
    schema = document.resolved(schema)
    if schema.get(_EITHER) or schema.get("format") == "int-or-string" or "oneOf" in schema:
        return {"type": ["integer", "string"]} if not schema.get("properties") else {}
    kept: Object = {key: schema[key] for key in _KEPT if key in schema}
    if schema.get("nullable"):
        kept.pop("type", None)
    kept.pop("format", None)
    if "properties" in schema:
        members = [value for value in values if isinstance(value, dict)]
        names = sorted({name for value in members for name in value})
        unknown = [name for name in names if name not in schema["properties"]]
        if unknown and not schema.get(_OPEN):
            raise ClusterError(f"{path or 'the object'} has no {', '.join(unknown)}.")
        kept["properties"] = {
            name: _pruned(
                schema["properties"][name],
                [value[name] for value in members if name in value],
                document,
                f"{path}.{name}",
            )
            for name in names
            if name not in unknown
        }
        kept["additionalProperties"] = bool(schema.get(_OPEN))
        kept["required"] = [name for name in schema.get("required", []) if name in names]
    elif isinstance(schema.get("additionalProperties"), dict):
        inner = [item for value in values if isinstance(value, dict) for item in value.values()]
        kept["additionalProperties"] = _pruned(
            schema["additionalProperties"], inner, document, f"{path}.*"
        )
    elif "items" in schema:
        items = [item for value in values if isinstance(value, list) for item in value]
        kept["items"] = _pruned(schema["items"], items, document, f"{path}[]")
    return kept


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ClusterError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
