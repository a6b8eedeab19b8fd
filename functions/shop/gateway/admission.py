"""Who passes the gateway, and as whom he is passed on."""

import aiohttp
from starlette.requests import Request

from shop.access import ANYBODY, GUEST, Caller, check
from shop.errors import DependencyDown, Unauthenticated
from shop.gateway.routes import Door
from shop.gateway.upstreams import Upstreams
from shop.services import Services

_FETCH_SECONDS = 5.0
_FRESH_SECONDS = 300.0
_MOST_BYTES = 262_144


class Admission:
    """Looks at tokens where authentication is on; lets everybody pass where it is off."""

    def __init__(self, services: Services, upstreams: Upstreams) -> None:
        """SettingError where the issuers are not what they must be."""
        self._services = services
        self._trust = services.trust
        if self._trust is None:
            return
        # Only here: PyJWT takes 0.14 s to import.
        from shop.gateway.issuers import Issuer, read
        from shop.gateway.tokens import Tokens

        fresh = services.settings.seconds("JWKS_SECONDS", _FRESH_SECONDS)
        known = read(services.settings, lambda: upstreams.base("list-keys") + "/auth/jwks.json")
        self._tokens = Tokens([Issuer(each, self._fetch, fresh) for each in known])

    async def caller(self, request: Request, door: Door) -> Caller:
        """Who calls, once it is known that he may.

        Raises:
            Unauthenticated: he does not say who he is, where he has to, or his token is no good.
            Forbidden: his account may not do this.
            DependencyDown: the keys of his token's issuer cannot be had.
        """
        if self._trust is None:
            return ANYBODY
        caller = GUEST
        if door.reads_tokens:
            token = _token(request)
            if token is not None:
                caller = await self._tokens.caller(token)
        check(caller, door.access)
        return caller

    def identity(self, caller: Caller) -> str | None:
        """What the function is told of the caller, signed; None where authentication is off."""
        return None if self._trust is None else self._trust.identities.of(caller)

    async def _fetch(self, url: str) -> bytes:
        """A small document; DependencyDown where it cannot be had."""
        timeout = aiohttp.ClientTimeout(total=_FETCH_SECONDS)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        body = b""
        try:
            async with self._services.client.session.get(
                url, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise DependencyDown(f"{url} answers {answer.status}")
                async for piece in answer.content.iter_any():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise DependencyDown(f"{url} is too long")
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise DependencyDown(f"{url} does not answer: {error!r}") from error
        return body


def _token(request: Request) -> str | None:
    """The bearer token; None where the client sends no credentials."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send one access token, as Authorization: Bearer.")
    return token.strip()
