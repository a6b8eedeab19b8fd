"""POST /auth/accounts: make an account."""

from shop.accounts import REGISTER_ACCOUNT
from shop.api.accounts import NewAccount, Registered
from shop.errors import AccountExists
from shop.operation import Call, Reply, operation
from shop.passwords import passwords


@operation(
    "POST",
    "/auth/accounts",
    area="identity",
    summary="Make an account",
    access="public",
    body=NewAccount,
    status=201,
    answer=Registered,
    errors=(AccountExists,),
    prepare=passwords,
)
async def register_account(call: Call[NewAccount]) -> Reply:
    """Make a customer's account; an e-mail address has one at most, however it is capitalised."""
    row = await call.services.database.row(
        REGISTER_ACCOUNT,
        email=call.body.email,
        name=call.body.name,
        password_hash=await passwords(call.services).hash(call.body.password),
    )
    if row is None:
        raise AccountExists("There is an account with this e-mail address.")
    return Reply.json(row[0], 201, Cache_Control="no-store")
