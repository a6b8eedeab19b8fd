"""Accounts and tokens, as they are asked for and given."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from shop.api.fields import Name, Strict, storable

Role = Literal["customer", "admin"]
# What a browser takes for an address in <input type="email">.
_ADDRESS = (
    r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$"
)

Email = Annotated[str, StringConstraints(min_length=3, max_length=254, pattern=_ADDRESS)]
NewPassword = Annotated[
    str, StringConstraints(min_length=8, max_length=128), AfterValidator(storable)
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(storable)]
RefreshToken = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable)
]


class NewAccount(Strict):
    """Somebody who wants an account."""

    email: Email
    password: NewPassword
    name: Name | None = None


class Credentials(Strict):
    """Who signs in, and where the refresh token goes: into the answer, or into a cookie."""

    email: Email
    password: Password
    session: Literal["token", "cookie"] = "token"


class Session(Strict):
    """The session's refresh token; it may come as a cookie instead."""

    refresh_token: RefreshToken | None = None


class Account(BaseModel):
    """An account."""

    id: UUID
    email: str
    name: str | None
    role: Role


class Registered(Account):
    """An account that was made."""

    created_at: datetime


class Tokens(BaseModel):
    """What a client goes on with; the refresh token is left out where a cookie holds it."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="Seconds until the access token expires.")]
    refresh_token: Annotated[
        str | None, Field(description="To be used once; its answer brings the next.")
    ] = None
    account: Account


class Key(BaseModel):
    """A public key (RFC 7517, RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    kid: str
    x: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class Keys(BaseModel):
    """The public keys that access tokens are verified by."""

    keys: list[Key]
