"""POST /auth/logout: sign out."""

from shop import session_cookie
from shop.accounts import END_SESSION
from shop.api.accounts import Session
from shop.operation import Call, Reply, operation
from shop.tokens import RefreshToken


@operation(
    "POST",
    "/auth/logout",
    area="identity",
    summary="Sign out",
    access="public",
    body=Session,
    body_optional=True,
    status=204,
)
async def end_session(call: Call[Session]) -> Reply:
    """End the session of a refresh token, from the body or the cookie; none is no error.

    No refresh token of the session can be used any more. An access token lives on until it
    expires.
    """
    for text in (call.body.refresh_token, session_cookie.found(call)):
        token = RefreshToken.read(text)
        if token is not None:
            await call.services.database.execute(END_SESSION, family_hash=token.family_hash)
    return Reply(204, headers={"Set-Cookie": session_cookie.cleared(call)})
