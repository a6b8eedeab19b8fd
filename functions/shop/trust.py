"""Identities that travel between functions: signed by who vouches for them, verified by the edge.

An identity is a compact JWS in the header `shop-identity`. The gateway signs whom a token names,
create_order and its siblings sign as the orders. Both making and verifying are remembered, so
that a request pays a look-up for each.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

from shop.access import GUEST, Caller
from shop.errors import Unauthenticated
from shop.keys import Signer, Verifier, read_set, signer_of
from shop.settings import SettingError, Settings

HEADER = "shop-identity"
# The only one who says which account calls; every other signer speaks for itself alone.
GATEWAY = "gateway"
_AUDIENCE = "shop"
_LIVES_SECONDS = 120
# One that is handed out is good for so long at least, which a cold start may take of it.
_GOOD_SECONDS = 60
# By which the clocks of two machines may differ.
_LEEWAY_SECONDS = 30
_MOST = 4_096


class Identities:
    """Makes identities, with the process's own key."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._name = signer_of(signer.kid)
        self._made: dict[Caller, tuple[str, float]] = {}

    def of(self, caller: Caller) -> str:
        """The caller's identity, as the header's value."""
        now = time.time()
        made = self._made.get(caller)
        if made is None or made[1] < now:
            made = self._make(caller, int(now)), now + _LIVES_SECONDS - _GOOD_SECONDS
            self._made.pop(caller, None)
            _remember(self._made, caller, made)
        return made[0]

    def own(self) -> str:
        """The identity of this part of the shop."""
        return self.of(Caller(role="system", part=self._name))

    def _make(self, caller: Caller, now: int) -> str:
        claims = {"iss": self._name, "aud": _AUDIENCE, "sub": caller.account, "role": caller.role}
        return self._signer.token(claims | {"iat": now, "exp": now + _LIVES_SECONDS})


class Callers:
    """Reads identities, with the keys that are trusted."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._read: dict[str, tuple[Caller, float]] = {}

    def of(self, identity: str | None) -> Caller:
        """Who calls, by the header's value; a guest where there is none.

        Raises:
            Unauthenticated: it is forged, not for the shop, or too old.
        """
        if identity is None:
            return GUEST
        read = self._read.get(identity)
        if read is None:
            read = self._verified(identity)
            _remember(self._read, identity, read)
        if read[1] < time.time():
            raise Unauthenticated("The identity has expired.")
        return read[0]

    def _verified(self, identity: str) -> tuple[Caller, float]:
        try:
            signer, claims = self._verifier.claims(identity)
            return _caller(signer, claims), float(claims["exp"]) + _LEEWAY_SECONDS
        except (ValueError, KeyError, TypeError, OverflowError):
            raise Unauthenticated("The identity is not signed by whom it names.") from None


def _caller(signer: str, claims: dict[str, Any]) -> Caller:
    """Whom the claims name; ValueError where the signer may not name him."""
    if claims["iss"] != signer or claims["aud"] != _AUDIENCE:
        raise ValueError("is another's, or for others")
    account, role = claims["sub"], claims["role"]
    if signer == GATEWAY and isinstance(account, str):
        if role == "guest" and not account:
            return GUEST
        if role in ("customer", "admin") and account:
            return Caller(account, role)
    elif role == "system" and not account:
        return Caller(role="system", part=signer)
    raise ValueError("names whom its signer cannot name")


def _remember(known: dict[Any, Any], key: object, value: object) -> None:
    if len(known) >= _MOST:
        del known[next(iter(known))]  # The oldest, which ends first.
    known[key] = value


@dataclass(slots=True)
class Trust:
    """What a process holds where authentication is on."""

    verifier: Verifier
    callers: Callers
    identities_or_none: Identities | None = None

    @property
    def identities(self) -> Identities:
        """What it signs its calls with; RuntimeError where it is not declared to call others."""
        if self.identities_or_none is None:
            raise RuntimeError("this process is not declared to call others")
        return self.identities_or_none


def is_on(settings: Settings) -> bool:
    """Whether authentication is on."""
    return settings.one_of("AUTH", ("on", "off"), "off") == "on"


def configure(settings: Settings, *, calls: bool) -> Trust | None:
    """What the settings say; None where authentication is off. `calls` asks for the own key.

    Raises:
        SettingError: a key is missing, or is none.
    """
    if not is_on(settings):
        return None
    try:
        verifier = Verifier(read_set(settings.text("TRUSTED_KEYS")))
    except ValueError as error:
        raise SettingError(f"TRUSTED_KEYS {error}") from None
    trust = Trust(verifier, Callers(verifier))
    if calls:
        trust.identities_or_none = Identities(own_key(settings))
    return trust


def own_key(settings: Settings) -> Signer:
    """The key that this process signs with; SettingError where it is missing, or is none."""
    text = settings.text("IDENTITY_SIGNING_KEY")
    try:
        return Signer(json.loads(text))
    except (ValueError, AttributeError):
        raise SettingError("IDENTITY_SIGNING_KEY is no private key of Ed25519 with an id") from None
