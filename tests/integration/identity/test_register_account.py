import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.support.identity import EMAIL, PASSWORD, Accounts, Identity


async def test_an_account_is_a_customers(accounts: Accounts) -> None:
    answer = await accounts.register(name="Ada")
    assert answer.status == 201
    account = answer.json
    assert str(UUID(account["id"])) == account["id"]
    assert (account["email"], account["name"], account["role"]) == (EMAIL, "Ada", "customer")
    assert account["created_at"].endswith("Z")
    assert account.keys() == {"id", "email", "name", "role", "created_at"}


async def test_a_name_may_be_left_out(accounts: Accounts) -> None:
    assert (await accounts.register()).json["name"] is None


async def test_an_address_has_one_account_however_it_is_capitalised(accounts: Accounts) -> None:
    await accounts.register()
    answer = await accounts.register(EMAIL.upper(), "another password")
    assert (answer.status, answer.problem) == (409, "account-exists")
    assert (await accounts.sign_in()).status == 200


async def test_of_many_who_register_an_address_at_once_one_gets_it(
    accounts: Accounts, identity: Identity
) -> None:
    answers = await asyncio.gather(*(accounts.register() for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert identity.value("SELECT count(*) FROM accounts") == 1


async def test_the_password_is_kept_as_argon2id_with_a_salt_of_its_own(
    accounts: Accounts, identity: Identity
) -> None:
    await accounts.register("a@example.com")
    await accounts.register("b@example.com")
    first, second = (h for (h,) in identity.rows("SELECT password_hash FROM accounts"))
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert PASSWORD not in first


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": f"{'a' * 250}@example.com"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "eight\x00characters"}, "password"),
        ({"name": " "}, "name"),
        ({"role": "admin"}, "role"),
    ],
)
async def test_what_does_not_hold_is_named(
    accounts: Accounts, body: dict[str, Any], field: str
) -> None:
    answer = await accounts.send("register_account", {"email": EMAIL, "password": PASSWORD} | body)
    assert answer.fields == [field]


async def test_a_password_that_is_refused_is_not_repeated(accounts: Accounts) -> None:
    answer = await accounts.register(password="x" * 129)
    assert "xxx" not in answer.body.decode()


async def test_a_role_cannot_be_asked_for(accounts: Accounts, identity: Identity) -> None:
    await accounts.register(role="admin")
    assert identity.value("SELECT count(*) FROM accounts") == 0
