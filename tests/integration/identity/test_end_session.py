from tests.support.identity import Accounts, Identity, cookie


async def test_no_token_of_the_session_can_be_used_any_more(
    accounts: Accounts, identity: Identity
) -> None:
    await accounts.register()
    token = (await accounts.sign_in()).json["refresh_token"]
    answer = await accounts.send("end_session", {"refresh_token": token})
    assert (answer.status, answer.body) == (204, b"")
    assert identity.revoked() == [True]
    assert (await accounts.refresh(token)).problem == "invalid-session"


async def test_signing_out_twice_is_no_error(accounts: Accounts) -> None:
    await accounts.register()
    token = (await accounts.sign_in()).json["refresh_token"]
    answers = [await accounts.send("end_session", {"refresh_token": token}) for _ in range(2)]
    assert [answer.status for answer in answers] == [204, 204]


async def test_a_cookie_is_cleared(accounts: Accounts, identity: Identity) -> None:
    await accounts.register()
    token, _ = cookie(await accounts.sign_in(session="cookie"))
    cleared, attributes = cookie(await accounts.send("end_session", cookie=token))
    assert cleared == ""
    assert {"Path=/auth", "Max-Age=0", "HttpOnly", "SameSite=Strict"} <= attributes
    assert identity.revoked() == [True]


async def test_who_has_no_session_is_signed_out_already(accounts: Accounts) -> None:
    for body in (None, {}, {"refresh_token": "x"}):
        assert (await accounts.send("end_session", body)).status == 204


async def test_other_sessions_go_on(accounts: Accounts, identity: Identity) -> None:
    await accounts.register()
    one = (await accounts.sign_in()).json["refresh_token"]
    other = (await accounts.sign_in()).json["refresh_token"]
    await accounts.send("end_session", {"refresh_token": one})
    assert identity.revoked() == [True, False]
    assert (await accounts.refresh(other)).status == 200
