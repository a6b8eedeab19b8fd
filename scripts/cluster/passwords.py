"""The databases' Secrets: made where PostgreSQL is part of the overlay, asked for elsewhere."""

import base64
import secrets
from collections.abc import Sequence

from cluster.kubectl import NAMESPACE, ClusterError, Object, apply, get, name_of

_OWNER, _AREAS = "postgres", "area-passwords"


def make(areas: Sequence[str]) -> None:
    """Make what is missing of PostgreSQL's Secret and of each area's; what is there stays."""
    known = _known()
    made: list[Object] = []
    if _OWNER not in known:
        made.append(_secret(_OWNER, {"POSTGRES_PASSWORD": secrets.token_urlsafe(24)}))
    before = _values(known.get(_AREAS, {}))
    passwords = {area: before.get(area) or secrets.token_urlsafe(24) for area in areas}
    if passwords.keys() - before.keys():
        made.append(_secret(_AREAS, before | passwords))
    for area, password in passwords.items():
        url = f"postgresql://{area}:{password}@postgres.{NAMESPACE}.svc:5432/{area}"
        if _values(known.get(_name(area), {})).get("DATABASE_URL") != url:
            made.append(_secret(_name(area), {"DATABASE_URL": url}))
    apply(made)


def require(areas: Sequence[str]) -> None:
    """ClusterError that names the Secrets which are read and are not there."""
    missing = sorted({_name(area) for area in areas} - _known().keys())
    if missing:
        raise ClusterError(
            f"The namespace {NAMESPACE} lacks the Secrets {', '.join(missing)}: each holds the "
            "DATABASE_URL of its area."
        )


def versions() -> dict[str, str]:
    """Of each Secret, what changes with it."""
    return {
        name: f"{each['metadata'].get('uid')}/{each['metadata'].get('resourceVersion')}"
        for name, each in _known().items()
    }


def _name(area: str) -> str:
    return f"{area}-database"


def _known() -> dict[str, Object]:
    return {name_of(each): each for each in get("secrets")}


def _values(secret: Object) -> dict[str, str]:
    data: dict[str, str] = secret.get("data", {})
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def _secret(name: str, values: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "type": "Opaque",
        "stringData": values,
    }
