"""The databases' Secrets: made where PostgreSQL is part of the overlay, asked for elsewhere."""

import secrets
from collections.abc import Sequence

from cluster.kubectl import NAMESPACE, ClusterError, Object, apply
from cluster.secrets import known_secrets, make_secret, values_of

_OWNER, _AREAS = "postgres", "area-passwords"


def make(areas: Sequence[str]) -> None:
    """Make what is missing of PostgreSQL's Secret and of each area's; what is there stays."""
    known = known_secrets()
    made: list[Object] = []
    if _OWNER not in known:
        made.append(make_secret(_OWNER, {"POSTGRES_PASSWORD": secrets.token_urlsafe(24)}))
    before = values_of(known.get(_AREAS, {}))
    passwords = {area: before.get(area) or secrets.token_urlsafe(24) for area in areas}
    if passwords.keys() - before.keys():
        made.append(make_secret(_AREAS, before | passwords))
    for area, password in passwords.items():
        url = f"postgresql://{area}:{password}@postgres.{NAMESPACE}.svc:5432/{area}"
        if values_of(known.get(_name(area), {})).get("DATABASE_URL") != url:
            made.append(make_secret(_name(area), {"DATABASE_URL": url}))
    apply(made)


def require(areas: Sequence[str]) -> None:
    """ClusterError that names the Secrets which are read and are not there."""
    missing = sorted({_name(area) for area in areas} - known_secrets().keys())
    if missing:
        raise ClusterError(
            f"The namespace {NAMESPACE} lacks the Secrets {', '.join(missing)}: each holds the "
            "DATABASE_URL of its area."
        )


def _name(area: str) -> str:
    return f"{area}-database"
