"""Those whose tokens the gateway takes, and the keys that each of them shows."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import jwt

from shop.access import Role
from shop.errors import DependencyDown
from shop.keys import read_set
from shop.settings import SettingError, Settings
from shop.tokens import AUDIENCE, DEFAULT_ISSUER

Fetch = Callable[[str], Awaitable[bytes]]

_ROLE_CLAIM = "role"
# What a key of that kind signs with; a token cannot ask for anything else.
_ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", ""): "RS256"}
_LEAST_RSA_BITS = 2_048
# Between two looks at an issuer's keys because of a token that names an unknown one, and after a
# look that failed: made-up tokens cannot make more of them.
_AGAIN_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """An issuer as the settings name it.

    `role_claim` is the claim, or a path to it with dots, that holds its accounts' roles; without
    it they are customers. `own` accounts are the shop's, others carry their issuer's name.
    """

    issuer: str
    jwks_url: str
    audience: str
    role_claim: str | None
    own: bool

    def account(self, subject: str) -> str:
        """The subject's account, which no other issuer can name."""
        return subject if self.own else f"{self.issuer}|{subject}"

    def role(self, claims: dict[str, Any]) -> Role:
        """The role that the claims give."""
        if self.role_claim is None:
            return "customer"
        found: Any = claims.get(self.role_claim)
        if found is None:
            found = claims
            for name in self.role_claim.split("."):
                found = found.get(name) if isinstance(found, dict) else None
        return "admin" if "admin" in (found if isinstance(found, list) else [found]) else "customer"


def read(settings: Settings, own_keys: Callable[[], str]) -> list[Known]:
    """The issuers of AUTH_ISSUERS; without it, the shop's own, whose keys are at `own_keys`.

    Raises:
        SettingError: it is no JSON array of issuers.
    """
    own = settings.text("TOKEN_ISSUER", DEFAULT_ISSUER)
    try:
        given = json.loads(settings.text("AUTH_ISSUERS", json.dumps([{"issuer": own}])))
        known = [_known(each, own, own_keys) for each in given]
    except (ValueError, KeyError, TypeError, AttributeError):
        known = []
    if not known or len({each.issuer for each in known}) < len(known):
        raise SettingError(
            "AUTH_ISSUERS must be a JSON array of different issuers, each with issuer, jwks_url"
            " and audience"
        )
    return known


def _known(given: dict[str, str], own: str, own_keys: Callable[[], str]) -> Known:
    issuer = given["issuer"]
    if issuer == own:
        url = given.get("jwks_url") or own_keys()
        return Known(issuer, url, given.get("audience", AUDIENCE), _ROLE_CLAIM, own=True)
    known = Known(issuer, given["jwks_url"], given["audience"], given.get("role_claim"), own=False)
    if not known.jwks_url.startswith(("https://", "http://")) or not known.audience:
        raise ValueError(issuer)
    return known


class Issuer:
    """An issuer's keys: fetched when the first is asked for, kept, and looked at again."""

    def __init__(self, known: Known, fetch: Fetch, fresh_seconds: float) -> None:
        """`fetch` gets what is at an address; keys are looked at again after `fresh_seconds`."""
        self.known = known
        self._fetch = fetch
        self._fresh_seconds = fresh_seconds
        self._keys: dict[str, jwt.PyJWK] | None = None
        self._tried = -_AGAIN_SECONDS
        self._due = 0.0
        self._looking: asyncio.Task[None] | None = None

    def shows(self, kid: str) -> bool:
        """Whether it showed that key when it was last looked at; looks again where that is due."""
        if time.monotonic() > self._due:
            self._look()
        return self._keys is not None and kid in self._keys

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The key, or None where the issuer has none of that id.

        Raises:
            DependencyDown: the issuer's keys were never seen, and cannot be.
        """
        if not self.shows(kid) and time.monotonic() > self._tried + _AGAIN_SECONDS:
            self._look()
        if self._looking is not None and (self._keys is None or kid not in self._keys):
            await asyncio.shield(self._looking)
        if self._keys is None:
            raise DependencyDown("The issuer of the token does not show its keys.", retry_after=5)
        return self._keys.get(kid)

    def _look(self) -> None:
        """Begin to look, unless that is under way."""
        if self._looking is None:
            self._tried = time.monotonic()
            self._due = self._tried + _AGAIN_SECONDS  # Where it fails.
            self._looking = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        try:
            self._keys = usable(await self._fetch(self.known.jwks_url))
            self._due = time.monotonic() + self._fresh_seconds
        except (DependencyDown, ValueError) as error:
            _log.warning("%s shows no keys, the last ones stay: %s", self.known.issuer, error)
        finally:
            self._looking = None


def usable(document: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a JWKS that sign tokens, by id; ValueError where it is none."""
    found: dict[str, jwt.PyJWK] = {}
    for each in read_set(document.decode()):
        kid = each.get("kid")
        algorithm = _ALGORITHMS.get((str(each.get("kty")), str(each.get("crv", ""))))
        if (
            not isinstance(kid, str)
            or algorithm is None
            or each.get("alg", algorithm) != algorithm
            or each.get("use", "sig") != "sig"
        ):
            continue
        try:
            key = jwt.PyJWK(each, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if algorithm != "RS256" or key.key.key_size >= _LEAST_RSA_BITS:
            found[kid] = key
    return found
