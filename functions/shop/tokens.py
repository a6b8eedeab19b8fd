"""The tokens of a session: one that is shown with each request, and one that renews it.

An access token is a signed JWT (RFC 9068) that everybody can verify and nobody can call back; it
lives for minutes. A refresh token is random, is used once, and is known to the database alone, by
its hash. It has two halves: one for its session, which its successors share, and one of its own.
"""

import hashlib
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shop import session_cookie
from shop.keys import Jwk, Signer, decoded, encoded, key_set, public, read_set
from shop.operation import Call, Reply
from shop.services import Services
from shop.settings import SettingError, Settings

AUDIENCE = "shophub"
ACCESS_SECONDS = 900
DEFAULT_ISSUER = "https://shophub.local"
_HALF = 32


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token; two random numbers of 256 bits."""

    family: bytes
    own: bytes

    @classmethod
    def first(cls) -> "RefreshToken":
        """The first of a new session."""
        return cls(secrets.token_bytes(_HALF), secrets.token_bytes(_HALF))

    @classmethod
    def read(cls, text: str | None) -> "RefreshToken | None":
        """The token that a client sent; None where it is none."""
        try:
            data = decoded(text or "")
        except ValueError:
            return None
        return cls(data[:_HALF], data[_HALF:]) if len(data) == 2 * _HALF else None

    def next(self) -> "RefreshToken":
        """Another of the same session."""
        return RefreshToken(self.family, secrets.token_bytes(_HALF))

    @property
    def text(self) -> str:
        """What the client gets."""
        return encoded(self.family + self.own)

    @property
    def family_hash(self) -> bytes:
        """By which the database finds the session."""
        return hashlib.sha256(self.family).digest()

    @property
    def own_hash(self) -> bytes:
        """By which it tells the session's tokens from one another."""
        return hashlib.sha256(self.own).digest()


class Issuer:
    """Signs access tokens with the first of its keys."""

    def __init__(self, settings: Settings) -> None:
        """SettingError where there are no keys."""
        keys = signing_keys(settings)
        try:
            signers = [Signer(key) for key in keys]
        except ValueError as error:
            raise SettingError(f"one of TOKEN_SIGNING_KEYS {error}") from None
        self._signer = signers[0]
        self.public_keys = key_set([public(key) for key in keys])
        self._name = settings.text("TOKEN_ISSUER", DEFAULT_ISSUER)
        self.seconds = settings.integer(
            "ACCESS_TOKEN_SECONDS", ACCESS_SECONDS, least=1, most=86_400
        )

    def access_token(self, account: dict[str, Any], session_id: str) -> str:
        """A token that says who the account is, for as long as `seconds`."""
        now = int(time.time())
        claims = {
            "iss": self._name,
            "aud": AUDIENCE,
            "sub": account["id"],
            "role": account["role"],
            "iat": now,
            "exp": now + self.seconds,
            "jti": str(uuid.uuid4()),
            "sid": session_id,
        }
        if account["name"] is not None:
            claims["name"] = account["name"]
        return self._signer.token(claims, "at+jwt")


@lru_cache(maxsize=1)
def issuer(services: Services) -> Issuer:
    """The process's own."""
    return Issuer(services.settings)


def signing_keys(settings: Settings) -> list[Jwk]:
    """The private keys of tokens, that which signs in front; SettingError where there are none."""
    try:
        keys = read_set(settings.text("TOKEN_SIGNING_KEYS"))
    except ValueError as error:
        raise SettingError(f"TOKEN_SIGNING_KEYS {error}") from None
    if not keys:
        raise SettingError("TOKEN_SIGNING_KEYS holds no key")
    return keys


def answer(
    call: Call[Any],
    account: str,
    session_id: str,
    token: RefreshToken,
    *,
    seconds: float,
    in_cookie: bool,
) -> Reply:
    """Both tokens, as a sign-in and a refresh are answered.

    `account` is its JSON, and `seconds` how long the session still lives.
    """
    signing = issuer(call.services)
    shown = json.loads(account)
    document: dict[str, Any] = {
        "access_token": signing.access_token(shown, session_id),
        "token_type": "Bearer",
        "expires_in": signing.seconds,
    }
    headers = {"Cache-Control": "no-store"}
    if in_cookie:
        headers["Set-Cookie"] = session_cookie.holding(call, token.text, seconds)
    else:
        document["refresh_token"] = token.text
    document["account"] = shown
    return Reply(200, json.dumps(document, ensure_ascii=False).encode(), headers)
