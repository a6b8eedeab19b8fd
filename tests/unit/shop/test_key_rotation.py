"""A key is exchanged in three steps, at none of which a token is one that nobody knows."""

import jwt
import pytest

from shop import keys
from shop.key_rotation import KNOWN_SECONDS, TooEarlyError, next_step

_TOKEN_SECONDS = 900


def published(key_set: list[keys.Jwk]) -> dict[str, keys.Jwk]:
    return {key["kid"]: keys.public(key) for key in key_set}


def test_each_token_is_verified_by_the_list_of_its_step_and_by_the_one_before() -> None:
    now = 1_000_000.0
    current = [keys.generate("tokens.1")]
    before = current
    signers = []
    for pause in (0, KNOWN_SECONDS, _TOKEN_SECONDS + 60):
        now += pause
        after, _, over = next_step(current, token_seconds=_TOKEN_SECONDS, now=now)
        for signing in (current, after):
            token = keys.Signer(signing[0]).token({"sub": "a"})
            kid = jwt.get_unverified_header(token)["kid"]
            for listed in (published(current), published(after)):
                # But for the old key's, whose last token has expired when it goes.
                if kid in listed or not over:
                    jwt.decode(token, jwt.PyJWK(listed[kid]), algorithms=["EdDSA"])
        signers.append(after[0]["kid"])
        before, current = current, after
    assert signers == ["tokens.1", "tokens.2", "tokens.2"]
    assert over
    assert list(published(before)) == ["tokens.2", "tokens.1"]
    assert current == [{name: current[0][name] for name in (*keys.public(current[0]), "d")}]


def test_the_new_key_does_not_sign_before_it_can_be_known() -> None:
    keys_now, _, _ = next_step([keys.generate("tokens.1")], token_seconds=900, now=0.0)
    with pytest.raises(TooEarlyError, match="in 1 s"):
        next_step(keys_now, token_seconds=900, now=KNOWN_SECONDS - 1)


def test_the_old_key_does_not_go_before_its_last_token_has_expired() -> None:
    keys_now, _, _ = next_step([keys.generate("tokens.1")], token_seconds=900, now=0.0)
    keys_now, _, _ = next_step(keys_now, token_seconds=900, now=KNOWN_SECONDS)
    with pytest.raises(TooEarlyError, match="in 1 s"):
        next_step(keys_now, token_seconds=900, now=KNOWN_SECONDS + 960 - 1)


def test_the_next_exchange_numbers_on() -> None:
    current, now = [keys.generate("tokens.9")], 0.0
    for _ in range(3):
        current, _, over = next_step(current, token_seconds=900, now=now)
        now += 1_000
    assert over
    assert [key["kid"] for key in current] == ["tokens.10"]
