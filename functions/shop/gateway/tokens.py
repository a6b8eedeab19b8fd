"""Access tokens: from the text that a client sends to who he is."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jwt

from shop.access import Caller
from shop.errors import Unauthenticated
from shop.gateway.issuers import Issuer

# By which the clocks of an issuer and of the gateway may differ.
_LEEWAY_SECONDS = 10
_LONGEST = 8_192
_LONGEST_SUBJECT = 255
_MOST = 4_096
_CLAIMS = ("iss", "aud", "sub", "exp")
# What may be wrong with a text that a stranger made; PyJWT lets some of them pass through.
_WRONG = (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError)


class _Read(NamedTuple):
    caller: Caller
    until: float
    issuer: Issuer
    kid: str


class Tokens:
    """Verifies tokens, and remembers those that held until they expire or their key goes."""

    def __init__(self, issuers: Sequence[Issuer]) -> None:
        self._issuers = {each.known.issuer: each for each in issuers}
        self._read: dict[str, _Read] = {}

    async def caller(self, token: str) -> Caller:
        """Who the token says its bearer is.

        Raises:
            Unauthenticated: it does not hold.
            DependencyDown: its issuer's keys cannot be had.
        """
        read = self._read.get(token)
        if read is not None and read.until > time.time() and read.issuer.shows(read.kid):
            return read.caller
        self._read.pop(token, None)
        read = await self._verified(token)
        if len(self._read) >= _MOST:
            del self._read[next(iter(self._read))]
        self._read[token] = read
        return read.caller

    async def _verified(self, token: str) -> _Read:
        if len(token) > _LONGEST:
            raise _invalid("The token is too long.")
        issuer, kid = self._signed_by(token)
        key = await issuer.key(kid)
        if key is None:
            raise _invalid("The token's key is not one of its issuer.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=issuer.known.audience,
                issuer=issuer.known.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": list(_CLAIMS)},
            )
            until = float(claims["exp"]) + _LEEWAY_SECONDS
        except jwt.ExpiredSignatureError:
            raise _invalid("The token has expired.") from None
        except _WRONG:
            raise _invalid("The token does not hold.") from None
        subject = claims["sub"]
        if not subject.isprintable() or not 1 <= len(subject) <= _LONGEST_SUBJECT:
            raise _invalid("The token names no account.")
        caller = Caller(issuer.known.account(subject), issuer.known.role(claims))
        return _Read(caller, until, issuer, kid)

    def _signed_by(self, token: str) -> tuple[Issuer, str]:
        """The issuer and the key that the token claims; nothing of it is believed yet."""
        try:
            kid = jwt.get_unverified_header(token)["kid"]
            claimed = jwt.decode(token, options={"verify_signature": False})["iss"]
            known = self._issuers.get(claimed)
        except _WRONG:
            raise _invalid("This is no token with a key and an issuer.") from None
        if known is None:
            raise _invalid("The token is of no issuer that the shop knows.")
        return known, kid


def _invalid(detail: str) -> Unauthenticated:
    return Unauthenticated(detail, error="invalid_token")
