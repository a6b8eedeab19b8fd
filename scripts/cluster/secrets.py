"""The Secrets of the shop's namespace: what there is, and how one is made."""

import base64
from collections.abc import Mapping

from cluster.kubectl import NAMESPACE, Object, get, name_of


def known_secrets() -> dict[str, Object]:
    """Those that are there, by name."""
    return {name_of(each): each for each in get("secrets")}


def values_of(secret: Object) -> dict[str, str]:
    """What a Secret holds."""
    data: dict[str, str] = secret.get("data", {})
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def make_secret(name: str, values: Mapping[str, str]) -> Object:
    """A Secret that is to hold these values."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "type": "Opaque",
        "stringData": dict(values),
    }


def versions() -> dict[str, str]:
    """Of each Secret, what changes with it."""
    return {
        name: f"{each['metadata'].get('uid')}/{each['metadata'].get('resourceVersion')}"
        for name, each in known_secrets().items()
    }
