"""POST /auth/token: sign in."""

from math import ceil

from shop import tokens
from shop.accounts import OPEN_SESSION, PRUNE, REHASH, TAKE_ATTEMPT
from shop.api.accounts import Credentials, Tokens
from shop.errors import InvalidCredentials, TooManyAttempts
from shop.operation import Call, Reply, operation
from shop.passwords import passwords
from shop.services import Services

OUTCOMES = ("signed_in", "refused", "locked_out")


def _prepare(services: Services) -> None:
    passwords(services)
    tokens.issuer(services)


@operation(
    "POST",
    "/auth/token",
    area="identity",
    summary="Sign in",
    access="public",
    body=Credentials,
    answer=Tokens,
    errors=(InvalidCredentials, TooManyAttempts),
    prepare=_prepare,
    zeros=(("identity_logins", "outcome", OUTCOMES),),
)
async def issue_token(call: Call[Credentials]) -> Reply:
    """Compare the password, and begin a session.

    An address has some attempts, whether or not it has an account, and gets them back one by one.
    A wrong password and an unknown address are answered alike, and after the same time.
    """
    database, settings = call.services.database, call.services.settings
    email, password = call.body.email, call.body.password
    taken, wait, account_id, stored = await database.one(
        TAKE_ATTEMPT,
        email=email,
        most=settings.integer("LOGIN_ATTEMPTS", 10, least=1),
        seconds=settings.seconds("LOGIN_ATTEMPT_SECONDS", 60.0, most=86_400.0),
    )
    if not taken:
        _count(call, "locked_out")
        raise TooManyAttempts(retry_after=max(1, ceil(wait)))
    await database.execute(PRUNE)
    if not await passwords(call.services).verify(stored, password):
        _count(call, "refused")
        raise InvalidCredentials("The e-mail address or the password is wrong.")
    if passwords(call.services).is_outdated(stored):
        renewed = await passwords(call.services).hash(password)
        await database.execute(
            REHASH, account_id=account_id, stale_hash=stored, password_hash=renewed
        )
    token = tokens.RefreshToken.first()
    session_id, seconds, account = await database.one(
        OPEN_SESSION,
        email=email,
        account_id=account_id,
        family_hash=token.family_hash,
        fresh_hash=token.own_hash,
        session_days=settings.integer("SESSION_DAYS", 30, least=1, most=3_650),
    )
    _count(call, "signed_in")
    call.note(account_id=str(account_id))
    in_cookie = call.body.session == "cookie"
    return tokens.answer(call, account, session_id, token, seconds=seconds, in_cookie=in_cookie)


def _count(call: Call[Credentials], outcome: str) -> None:
    call.services.telemetry.count("identity_logins", 1, outcome=outcome)
