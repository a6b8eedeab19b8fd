"""What is secret is in no log, whatever somebody sends and however much is logged."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.faults import Process
from tests.support.identity import EMAIL, PASSWORD, Accounts, cookie

_WRONG = "wrong-password-of-somebody"


@asynccontextmanager
async def process(accounts: Accounts, name: str, **settings: str) -> AsyncIterator[Process]:
    """A function as it is deployed, in place of the one that is served here."""
    started = Process(name, accounts.settings(LOG_LEVEL="debug", **settings))
    try:
        await started.ready()
        accounts.send_to(name, started.address)
        yield started
    finally:
        accounts.restore()
        started.close()


async def test_no_log_holds_a_password_a_token_or_a_key(accounts: Accounts) -> None:
    sent = [PASSWORD, _WRONG]
    async with (
        process(accounts, "register_account") as registering,
        process(accounts, "issue_token", LOGIN_ATTEMPTS="2") as issuing,
        process(accounts, "refresh_token") as refreshing,
        process(accounts, "end_session") as ending,
    ):
        for _ in range(2):
            await accounts.register()
        await accounts.register(password=f"{_WRONG}\x00")
        answer = await accounts.sign_in()
        in_cookie = await accounts.sign_in(session="cookie")
        first = answer.json["refresh_token"]
        refreshed = await accounts.refresh(first)
        sent += [first, cookie(in_cookie)[0], refreshed.json["refresh_token"]]
        sent += [each.json["access_token"] for each in (answer, in_cookie, refreshed)]
        await accounts.refresh(refreshed.json["refresh_token"])
        assert (await accounts.refresh(first)).status == 401
        await accounts.refresh(f"{first}x")
        statuses = [(await accounts.sign_in(password=_WRONG)).status for _ in range(3)]
        assert statuses == [401, 401, 429]
        await accounts.sign_in(session=_WRONG)
        await accounts.send("issue_token", [EMAIL, _WRONG])
        await accounts.send("end_session", {"refresh_token": first}, cookie=sent[3])
        written = "".join(each.log() for each in (registering, issuing, refreshing, ending))
    assert written.count('"route":"/auth/token"') == 7
    sent += [key["d"] for key in accounts.keys]
    # The half of a refresh token that is common to its session is as secret as the whole.
    halves = [base64.urlsafe_b64decode(f"{token}==")[:32].hex() for token in sent[2:5]]
    assert [secret for secret in (*sent, *halves) if secret in written] == []
    assert EMAIL not in written


async def test_without_keys_a_function_does_not_start_and_says_why(accounts: Accounts) -> None:
    started = Process("issue_token", accounts.settings(TOKEN_SIGNING_KEYS=""))
    try:
        assert await started.ended(60) != 0
        assert "the environment variable TOKEN_SIGNING_KEYS is not set" in started.log()
    finally:
        started.close()
