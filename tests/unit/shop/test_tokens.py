"""Tokens: what they are made of, and what is none."""

import base64
import hashlib

import pytest

from shop import keys
from shop.settings import SettingError, Settings
from shop.tokens import Issuer, RefreshToken


def test_a_refresh_token_is_read_as_it_was_written() -> None:
    token = RefreshToken.first()
    assert len(token.family) == len(token.own) == 32
    assert RefreshToken.read(token.text) == token


def test_the_next_is_of_the_same_session_and_another() -> None:
    token = RefreshToken.first()
    following = token.next()
    assert following.family_hash == token.family_hash
    assert following.own_hash != token.own_hash
    assert token.own_hash == hashlib.sha256(token.own).digest()


@pytest.mark.parametrize(
    "text", [None, "", "x", "ä", "A" * 85, "A" * 87, base64.b64encode(bytes(64)).decode() + "="]
)
def test_what_is_no_token_is_none(text: str | None) -> None:
    assert RefreshToken.read(text) is None


@pytest.mark.parametrize(
    "value",
    ["", "x", "[]", '{"keys":[]}', '{"keys":[{"kid":"tokens.1"}]}'],
)
def test_keys_that_cannot_sign_are_refused_by_name(value: str) -> None:
    with pytest.raises(SettingError, match="TOKEN_SIGNING_KEYS"):
        Issuer(Settings({"TOKEN_SIGNING_KEYS": value}))


def test_a_public_key_among_them_is_refused() -> None:
    private = keys.generate("tokens.1")
    value = keys.key_set([private, keys.public(keys.generate("tokens.2"))])
    with pytest.raises(SettingError, match="one of TOKEN_SIGNING_KEYS is no private key"):
        Issuer(Settings({"TOKEN_SIGNING_KEYS": value}))
