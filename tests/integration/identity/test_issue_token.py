import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import argon2
import psycopg
import pytest

from shop.accounts import PRUNE
from tests.support.identity import EMAIL, PASSWORD, Accounts, Identity, cookie
from tests.support.shop import Answer

_ALIKE = ("content-type", "content-length")


def seen(answer: Answer) -> tuple[int, bytes, Mapping[str, Any]]:
    """What an answer shows of itself."""
    return answer.status, answer.body, {name: answer.headers.get(name) for name in _ALIKE}


async def test_the_access_token_says_who_it_is_for_a_quarter_of_an_hour(
    accounts: Accounts, identity: Identity
) -> None:
    account = (await accounts.register(name="Ada")).json
    answer = await accounts.sign_in()
    assert answer.status == 200
    tokens = answer.json
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert tokens["account"] == {key: account[key] for key in ("id", "email", "name", "role")}
    claims = accounts.claims(answer)
    assert (claims["sub"], claims["role"], claims["name"]) == (account["id"], "customer", "Ada")
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["sid"] == identity.value("SELECT id::text FROM sessions")


async def test_no_store_and_no_browser_keeps_the_answer(accounts: Accounts) -> None:
    await accounts.register()
    assert (await accounts.sign_in()).headers["Cache-Control"] == "no-store"


async def test_the_capitals_of_an_address_do_not_matter(accounts: Accounts) -> None:
    await accounts.register()
    assert (await accounts.sign_in(EMAIL.upper())).status == 200


async def test_a_password_is_the_same_however_a_keyboard_composes_it(accounts: Accounts) -> None:
    await accounts.register(password="Zu\u0308rich und Gen\u00e8ve")
    assert (await accounts.sign_in(password="Z\u00fcrich und Gene\u0300ve")).status == 200


async def test_each_sign_in_is_a_session_of_its_own(accounts: Accounts, identity: Identity) -> None:
    await accounts.register()
    first, second = (await accounts.sign_in(), await accounts.sign_in())
    assert first.json["refresh_token"] != second.json["refresh_token"]
    assert accounts.claims(first)["jti"] != accounts.claims(second)["jti"]
    assert identity.value("SELECT count(*) FROM sessions") == 2


async def test_a_browser_gets_its_refresh_token_where_no_script_reads_it(
    accounts: Accounts,
) -> None:
    await accounts.register()
    answer = await accounts.sign_in(session="cookie")
    assert "refresh_token" not in answer.json
    token, attributes = cookie(answer)
    assert attributes == {
        "Path=/auth", f"Max-Age={30 * 86_400 - 1}", "HttpOnly", "SameSite=Strict",
    }  # fmt: skip
    assert (await accounts.refresh(cookie=token)).status == 200


async def test_behind_the_gateway_the_cookie_has_its_path_and_over_https_is_secure(
    accounts: Accounts,
) -> None:
    await accounts.register()
    answer = await accounts.send(
        "issue_token",
        {"email": EMAIL, "password": PASSWORD, "session": "cookie"},
        X_Forwarded_Prefix="/api",
        X_Forwarded_Proto="https",
    )
    assert {"Path=/api/auth", "Secure", "HttpOnly", "SameSite=Strict"} <= cookie(answer)[1]


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    accounts: Accounts,
) -> None:
    await accounts.register()
    wrong = await accounts.sign_in(password="wrong password")
    unknown = await accounts.sign_in("nobody@example.com")
    assert (wrong.status, wrong.problem) == (401, "invalid-credentials")
    assert seen(wrong) == seen(unknown)


async def test_a_wrong_password_and_an_unknown_address_take_the_same_time(
    accounts: Accounts,
) -> None:
    accounts.replace("issue_token", LOGIN_ATTEMPTS="1000")
    await accounts.register()
    await accounts.sign_in()
    took: dict[str, list[float]] = {EMAIL: [], "nobody@example.com": []}
    for _ in range(25):
        for address, seconds in took.items():
            # The processor's time, of this process: what else the machine does is not in it.
            began = time.process_time()
            answer = await accounts.sign_in(address, "wrong password")
            seconds.append(time.process_time() - began)
            assert answer.status == 401
    known, unknown = (statistics.median(seconds) for seconds in took.values())
    # A hash takes 20 ms and more; without one, the answer comes in 3.
    assert min(known, unknown) > 0.010
    assert 0.7 < known / unknown < 1.4


async def test_an_unknown_address_is_compared_as_often_as_a_known_one(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, stored: str, password: str) -> bool:
        compared.append(stored.rpartition("$")[0].rpartition("$")[0])
        return bool(verify(self, stored, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    await accounts.register()
    await accounts.sign_in(password="wrong password")
    await accounts.sign_in("nobody@example.com")
    assert compared == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2


@pytest.mark.parametrize("address", [EMAIL, "nobody@example.com"])
async def test_an_address_has_some_attempts_and_gets_them_back_one_by_one(
    accounts: Accounts, identity: Identity, address: str
) -> None:
    accounts.replace("issue_token", LOGIN_ATTEMPTS="3", LOGIN_ATTEMPT_SECONDS="60")
    await accounts.register()
    answers = [await accounts.sign_in(address, "wrong password") for _ in range(5)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429, 429]
    assert answers[-1].problem == "too-many-attempts"
    assert 55 <= int(answers[-1].headers["Retry-After"]) <= 60
    # Neither has the right password, and no capital makes another address of it.
    assert (await accounts.sign_in(address.upper())).status == 429
    identity.run("UPDATE login_attempts SET free_at = free_at - interval '60 seconds'")
    again = [await accounts.sign_in(address, "wrong password") for _ in range(2)]
    assert [answer.status for answer in again] == [401, 429]


async def test_guesses_at_the_same_time_are_counted_one_by_one(accounts: Accounts) -> None:
    accounts.replace("issue_token", LOGIN_ATTEMPTS="3")
    await accounts.register()
    guesses = (accounts.sign_in(password=f"wrong password {n}") for n in range(12))
    statuses = [answer.status for answer in await asyncio.gather(*guesses)]
    assert sorted(statuses) == [401] * 3 + [429] * 9


async def test_who_signs_in_has_all_attempts_again(accounts: Accounts) -> None:
    accounts.replace("issue_token", LOGIN_ATTEMPTS="2")
    await accounts.register()
    for _ in range(3):
        assert (await accounts.sign_in(password="wrong password")).status == 401
        assert (await accounts.sign_in()).status == 200


async def test_others_are_not_locked_out(accounts: Accounts) -> None:
    accounts.replace("issue_token", LOGIN_ATTEMPTS="1")
    await accounts.register()
    await accounts.register("grace@example.com")
    await accounts.sign_in(password="wrong password")
    assert (await accounts.sign_in()).status == 429
    assert (await accounts.sign_in("grace@example.com")).status == 200


async def test_what_has_had_its_time_is_deleted_by_those_who_sign_in(
    accounts: Accounts, identity: Identity
) -> None:
    await accounts.register()
    await accounts.sign_in("nobody@example.com")
    for _ in range(3):
        await accounts.sign_in()
    identity.age(31 * 86_400)
    identity.run("UPDATE login_attempts SET free_at = now() - interval '1 second'")
    await accounts.sign_in()
    assert identity.value("SELECT count(*) FROM sessions") == 1
    assert identity.value("SELECT count(*) FROM login_attempts") == 0


# As the planner may choose it for tables whose statistics are old.
NESTED = "hashjoin", "mergejoin", "hashagg", "sort", "material"


@pytest.mark.parametrize("avoided", [(), NESTED])
def test_no_sign_in_deletes_more_than_a_few(identity: Identity, avoided: Sequence[str]) -> None:
    identity.run(
        "INSERT INTO login_attempts SELECT sha256(n::text::bytea), now() - interval '1 hour'"
        " FROM generate_series(1, 50) n"
    )
    with psycopg.connect(identity.url) as connection:
        for plan in avoided:
            connection.execute(f"SET LOCAL enable_{plan} = off")
        connection.execute(PRUNE.sql)
    assert identity.value("SELECT count(*) FROM login_attempts") == 50 - 20


async def test_a_sign_in_deletes_what_says_nothing_any_more(
    accounts: Accounts, identity: Identity
) -> None:
    identity.run("INSERT INTO login_attempts VALUES (sha256('x'), now() - interval '1 hour')")
    await accounts.sign_in("nobody@example.com")
    assert identity.value("SELECT count(*) FROM login_attempts") == 1


async def test_a_hash_of_older_parameters_is_made_anew_at_the_next_sign_in(
    accounts: Accounts, identity: Identity
) -> None:
    await accounts.register()
    older = argon2.PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    identity.run("UPDATE accounts SET password_hash = %s", older)
    assert (await accounts.sign_in()).status == 200
    renewed = identity.value("SELECT password_hash FROM accounts")
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await accounts.sign_in()).status == 200
