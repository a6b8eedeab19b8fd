"""GET /auth/jwks.json: the keys that access tokens are verified by."""

from shop import tokens
from shop.api.accounts import Keys
from shop.operation import Call, Reply, operation


@operation(
    "GET",
    "/auth/jwks.json",
    area="identity",
    summary="List the keys of access tokens",
    access="public",
    answer=Keys,
    uses_database=False,
    prepare=tokens.issuer,
)
async def list_keys(call: Call[None]) -> Reply:
    """The public keys: the one that signs, those that are about to, and those that have."""
    public = tokens.issuer(call.services).public_keys
    return Reply.json(public, Cache_Control="public, max-age=300")
