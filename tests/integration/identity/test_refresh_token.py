import asyncio
from collections import Counter

import pytest

from tests.support.identity import EMAIL, PASSWORD, Accounts, Identity, cookie


@pytest.fixture
async def first(accounts: Accounts) -> str:
    """The first refresh token of a session."""
    await accounts.register()
    token: str = (await accounts.sign_in()).json["refresh_token"]
    return token


async def test_a_refresh_token_brings_the_next_and_an_access_token(
    accounts: Accounts, first: str
) -> None:
    answer = await accounts.refresh(first)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["refresh_token"] != first
    assert answer.json["account"]["email"] == EMAIL
    assert accounts.claims(answer)["sub"] == answer.json["account"]["id"]
    assert (await accounts.refresh(answer.json["refresh_token"])).status == 200


async def test_the_session_stays_the_same(accounts: Accounts, identity: Identity) -> None:
    await accounts.register()
    signed_in = await accounts.sign_in()
    refreshed = await accounts.refresh(signed_in.json["refresh_token"])
    assert accounts.claims(refreshed)["sid"] == accounts.claims(signed_in)["sid"]
    assert identity.value("SELECT count(*) FROM sessions") == 1


async def test_the_last_token_may_be_used_again_while_its_answer_may_be_lost(
    accounts: Accounts, first: str
) -> None:
    second = (await accounts.refresh(first)).json["refresh_token"]
    again = (await accounts.refresh(first)).json["refresh_token"]
    assert len({first, second, again}) == 3
    assert (await accounts.refresh(again)).status == 200


async def test_after_that_it_ends_the_session(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    second = (await accounts.refresh(first)).json["refresh_token"]
    identity.age(11)
    answer = await accounts.refresh(first)
    assert (answer.status, answer.problem) == (401, "invalid-session")
    assert identity.revoked() == [True]
    # Whoever has the newest is signed out as well: one of the two has stolen his.
    assert (await accounts.refresh(second)).problem == "invalid-session"


async def test_a_token_before_the_last_ends_the_session_at_once(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    second = (await accounts.refresh(first)).json["refresh_token"]
    third = (await accounts.refresh(second)).json["refresh_token"]
    assert (await accounts.refresh(first)).status == 401
    assert identity.revoked() == [True]
    assert (await accounts.refresh(third)).status == 401


async def test_of_two_successors_one_lives_on(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    one = (await accounts.refresh(first)).json["refresh_token"]
    other = (await accounts.refresh(first)).json["refresh_token"]
    assert (await accounts.refresh(one)).status == 200
    assert (await accounts.refresh(other)).status == 401
    assert identity.revoked() == [True]


async def test_the_leeway_does_not_begin_anew_when_it_is_used(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    await accounts.refresh(first)
    identity.age(6)
    assert (await accounts.refresh(first)).status == 200
    identity.age(6)
    assert (await accounts.refresh(first)).status == 401


async def test_a_token_has_a_few_successors_at_most(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    answers = [await accounts.refresh(first) for _ in range(9)]
    assert [answer.status for answer in answers] == [200] * 8 + [401]
    assert identity.revoked() == [True]


async def test_tabs_that_refresh_at_the_same_moment_all_go_on(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    answers = await asyncio.gather(*(accounts.refresh(first) for _ in range(6)))
    assert [answer.status for answer in answers] == [200] * 6
    assert identity.revoked() == [False]
    assert identity.value("SELECT cardinality(live_hashes) FROM sessions") == 6


async def test_a_thief_and_the_owner_at_the_same_moment_end_the_session(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    second = (await accounts.refresh(first)).json["refresh_token"]
    identity.age(11)
    answers = await asyncio.gather(accounts.refresh(first), accounts.refresh(second))
    assert Counter(answer.status for answer in answers)[401] >= 1
    assert identity.revoked() == [True]


async def test_another_session_of_the_account_goes_on(accounts: Accounts, first: str) -> None:
    other = (await accounts.sign_in()).json["refresh_token"]
    second = (await accounts.refresh(first)).json["refresh_token"]
    await accounts.refresh(second)
    assert (await accounts.refresh(first)).status == 401
    assert (await accounts.refresh(other)).status == 200


async def test_a_session_ends_with_its_time(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    identity.age(30 * 86_400 + 1)
    answer = await accounts.refresh(first)
    assert (answer.status, answer.problem) == (401, "invalid-session")


@pytest.mark.parametrize("token", ["x", "ä", "A" * 86, "A" * 85, "A" * 200])
async def test_what_is_no_token_is_refused_as_one_that_has_ended(
    accounts: Accounts, token: str
) -> None:
    answer = await accounts.refresh(token)
    assert (answer.status, answer.problem) == (401, "invalid-session")


async def test_without_a_token_and_a_cookie_there_is_no_session(accounts: Accounts) -> None:
    answer = await accounts.refresh()
    assert (answer.status, answer.problem) == (401, "invalid-session")
    assert "Set-Cookie" not in answer.headers


async def test_a_cookie_is_renewed(accounts: Accounts) -> None:
    await accounts.register()
    token, _ = cookie(await accounts.sign_in(session="cookie"))
    answer = await accounts.refresh(cookie=token)
    assert answer.status == 200
    assert "refresh_token" not in answer.json
    renewed, attributes = cookie(answer)
    assert renewed != token
    assert {"HttpOnly", "SameSite=Strict"} <= attributes


async def test_a_cookie_that_is_refused_is_cleared(accounts: Accounts) -> None:
    answer = await accounts.refresh(cookie="A" * 86)
    token, attributes = cookie(answer)
    assert (answer.status, token) == (401, "")
    assert "Max-Age=0" in attributes


async def test_an_account_that_became_an_admins_is_one_from_the_next_token_on(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    identity.run("UPDATE accounts SET role = 'admin'")
    answer = await accounts.refresh(first)
    assert accounts.claims(answer)["role"] == answer.json["account"]["role"] == "admin"


async def test_the_database_holds_no_token_and_no_password(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    second = (await accounts.refresh(first)).json["refresh_token"]
    rows = identity.rows(
        "SELECT a::text FROM accounts a UNION ALL SELECT s::text FROM sessions s"
        " UNION ALL SELECT l::text FROM login_attempts l"
    )
    kept = " ".join(row for (row,) in rows)
    assert not [secret for secret in (first, second, PASSWORD) if secret in kept]


async def test_a_session_that_was_revoked_stays_so(
    accounts: Accounts, identity: Identity, first: str
) -> None:
    await accounts.send("end_session", {"refresh_token": first})
    with pytest.raises(Exception, match="was revoked"):
        identity.run("UPDATE sessions SET revoked_at = NULL")
