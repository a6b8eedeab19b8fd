"""Keys of the tests' own, and what is signed with them, rightly and wrongly."""

import json
import time
from functools import cache
from typing import Any

from shop import keys
from shop.access import Caller, Role
from shop.trust import Identities


@cache
def secrets() -> keys.Secrets:
    """Every Secret of keys, made once a session."""
    return keys.complete({})


@cache
def signer(name: str) -> keys.Signer:
    """One of those who sign."""
    return keys.Signer(json.loads(secrets()[f"{name}-signing-key"]["IDENTITY_SIGNING_KEY"]))


def trusting(own: str | None = None) -> dict[str, str]:
    """The settings of a process where authentication is on; `own` is whom it signs as."""
    settings = {"AUTH": "on", **secrets()[keys.TRUSTED]}
    return settings | (secrets()[f"{own}-signing-key"] if own else {})


def identity(account: str = "", role: Role = "guest", by: str = "gateway") -> str:
    """An identity as the gateway, or another part of the shop, makes it."""
    part = by if role == "system" else ""
    return Identities(signer(by)).of(Caller(account, role, part))


def claimed(by: keys.Signer, **claims: Any) -> str:
    """An identity that claims what it likes; without more, what the gateway says of ada."""
    now = int(time.time())
    usual = {"iss": "gateway", "aud": "shop", "sub": "ada", "role": "customer"}
    return by.token(usual | {"iat": now, "exp": now + 86_400} | claims)


def as_if_by(name: str) -> keys.Signer:
    """Somebody who uses that signer's name, and another key."""
    return keys.Signer(keys.generate(f"{name}.1"))
