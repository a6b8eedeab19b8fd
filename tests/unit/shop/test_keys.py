"""Keys are made once, kept from others, and verified by a library that did not make them."""

import json
from pathlib import Path

import jwt
import pytest

from shop import keys


def test_what_is_signed_is_verified_by_the_public_half_alone() -> None:
    key = keys.generate("gateway.1")
    token = keys.Signer(key).token({"sub": "ä", "aud": "shop"}, "at+jwt")
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": "gateway.1", "typ": "at+jwt"}
    trusted = jwt.PyJWK(keys.public(key))
    assert jwt.decode(token, trusted, algorithms=["EdDSA"], audience="shop")["sub"] == "ä"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, jwt.PyJWK(keys.public(keys.generate("gateway.1"))), ["EdDSA"])


def test_a_public_half_holds_nothing_of_the_private_one() -> None:
    key = keys.generate("gateway.1")
    shown = keys.public(key | {"status": "next"})
    assert set(shown) == {"kty", "crv", "kid", "use", "alg", "x"}
    assert key["d"] not in shown.values()


@pytest.mark.parametrize("missing", ["d", "kid", "crv"])
def test_a_key_that_cannot_sign_is_refused(missing: str) -> None:
    key = keys.generate("gateway.1")
    del key[missing]
    with pytest.raises(ValueError, match="no private key"):
        keys.Signer(key)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 1}', '{"keys": ["x"]}', "[" * 100_000])
def test_what_is_no_key_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        keys.read_set(text)


def test_every_signer_is_trusted_and_has_a_secret_of_its_own() -> None:
    secrets = keys.complete({})
    trusted = {key["kid"]: key for key in keys.read_set(secrets["trusted-keys"]["TRUSTED_KEYS"])}
    assert set(trusted) == {f"{signer}.1" for signer in keys.SIGNERS}
    for signer in keys.SIGNERS:
        own = json.loads(secrets[f"{signer}-signing-key"]["IDENTITY_SIGNING_KEY"])
        assert keys.public(own) == trusted[f"{signer}.1"]
    assert '"d"' not in secrets["trusted-keys"]["TRUSTED_KEYS"]


def test_what_is_known_stays_and_what_is_missing_is_made() -> None:
    before = keys.complete({})
    assert keys.complete(before) == before
    lost = {name: each for name, each in before.items() if name != "orders-signing-key"}
    after = keys.complete(lost)
    assert {n: v for n, v in after.items() if v != before[n]}.keys() == {
        "orders-signing-key",
        "trusted-keys",
    }


def test_a_signer_whose_key_is_gone_gets_the_next_one_and_is_believed_by_both() -> None:
    before = keys.complete({})
    for number in (2, 3):
        lost = {name: each for name, each in before.items() if name != "gateway-signing-key"}
        before = keys.complete(lost)
        made = json.loads(before["gateway-signing-key"]["IDENTITY_SIGNING_KEY"])
        assert made["kid"] == f"gateway.{number}"
        trusted = [k["kid"] for k in keys.read_set(before["trusted-keys"]["TRUSTED_KEYS"])]
        believed = [kid for kid in trusted if keys.signer_of(kid) == "gateway"]
        assert sorted(believed) == [f"gateway.{n}" for n in range(1, number + 1)]


def test_a_key_that_was_trusted_stays_trusted() -> None:
    before = keys.complete({})
    old = keys.public(keys.generate("gateway.0"))
    known = before | {"trusted-keys": {"TRUSTED_KEYS": keys.key_set([old])}}
    trusted = keys.read_set(keys.complete(known)["trusted-keys"]["TRUSTED_KEYS"])
    assert old in trusted
    assert len(trusted) == 1 + len(keys.SIGNERS)


def test_a_folder_is_filled_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = keys.keep(folder)
    paths = {secret: keys.path_of(secret, folder) for secret in made}
    assert {path.stat().st_mode & 0o777 for path in paths.values()} == {0o600}
    for secret, path in paths.items():
        assert made[secret] == {path.name: path.read_text()}
    written = {path: path.stat().st_mtime_ns for path in paths.values()}
    assert keys.keep(folder) == made
    assert {path: path.stat().st_mtime_ns for path in paths.values()} == written


def test_a_key_that_is_lost_is_made_anew(tmp_path: Path) -> None:
    before = keys.keep(tmp_path)
    keys.path_of("token-signing-keys", tmp_path).unlink()
    after = keys.keep(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"token-signing-keys"}
