import jwt

from shop import keys
from tests.support.identity import Accounts


async def test_whoever_has_the_keys_verifies_a_token(accounts: Accounts) -> None:
    await accounts.register()
    token = (await accounts.sign_in()).json["access_token"]
    listed = jwt.PyJWKSet.from_dict((await accounts.send("list_keys")).json)
    key = listed[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["EdDSA"], audience="shophub")


async def test_nothing_private_is_listed(accounts: Accounts) -> None:
    answer = await accounts.send("list_keys")
    assert [set(key) for key in answer.json["keys"]] == [{"kty", "crv", "kid", "use", "alg", "x"}]
    assert accounts.keys[0]["d"] not in answer.body.decode()
    assert answer.headers["Cache-Control"] == "public, max-age=300"


async def test_all_keys_are_listed_and_the_first_one_signs(accounts: Accounts) -> None:
    waiting = keys.generate("tokens.2")
    both = keys.key_set([*accounts.keys, waiting])
    accounts.replace("list_keys", TOKEN_SIGNING_KEYS=both)
    accounts.replace("issue_token", TOKEN_SIGNING_KEYS=both)
    listed = (await accounts.send("list_keys")).json["keys"]
    assert [key["kid"] for key in listed] == ["tokens.1", "tokens.2"]
    await accounts.register()
    token = (await accounts.sign_in()).json["access_token"]
    assert jwt.get_unverified_header(token)["kid"] == "tokens.1"
