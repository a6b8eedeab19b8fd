"""POST /auth/refresh: go on with a session."""

from shop import session_cookie, tokens
from shop.accounts import REFRESH_SESSION
from shop.api.accounts import Session, Tokens
from shop.errors import InvalidSession
from shop.operation import Call, Reply, operation

OUTCOMES = ("rotated", "repeated", "reused", "ended", "unknown")


@operation(
    "POST",
    "/auth/refresh",
    area="identity",
    summary="Go on with a session",
    access="public",
    body=Session,
    body_optional=True,
    answer=Tokens,
    errors=(InvalidSession,),
    prepare=tokens.issuer,
    zeros=(("identity_refreshes", "outcome", OUTCOMES),),
)
async def refresh_token(call: Call[Session]) -> Reply:
    """Exchange a refresh token, from the body or the cookie, for a new one and an access token.

    A token is used once. The last one may be used again for some seconds, since its answer may
    have been lost. An older one has been stolen, or its successor has: the session ends.
    """
    in_cookie = call.body.refresh_token is None
    sent = session_cookie.found(call) if in_cookie else call.body.refresh_token
    token = tokens.RefreshToken.read(sent)
    outcome, row = "unknown", None
    if token is not None:
        fresh = token.next()
        row = await call.services.database.row(
            REFRESH_SESSION,
            family_hash=token.family_hash,
            own_hash=token.own_hash,
            fresh_hash=fresh.own_hash,
            leeway_seconds=call.services.settings.seconds("REFRESH_LEEWAY_SECONDS", 10.0),
        )
    if row is not None:
        outcome, session_id, seconds, account = row
        call.note(session_id=session_id)
    call.services.telemetry.count("identity_refreshes", 1, outcome=outcome)
    if outcome not in ("rotated", "repeated"):
        headers = {"Set-Cookie": session_cookie.cleared(call)} if in_cookie and sent else {}
        raise InvalidSession("The session has ended: sign in again.", headers=headers)
    return tokens.answer(call, account, session_id, fresh, seconds=seconds, in_cookie=in_cookie)
