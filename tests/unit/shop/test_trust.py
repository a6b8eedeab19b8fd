"""Identities inside the shop: who may name whom, and what is believed."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from shop import keys
from shop.access import GUEST, Caller, Role
from shop.errors import Unauthenticated
from shop.settings import SettingError, Settings
from shop.trust import Callers, Identities, configure
from tests.support.trust import as_if_by, claimed, identity, secrets, signer, trusting


@pytest.fixture
def callers() -> Callers:
    found = configure(Settings(trusting()), calls=False)
    assert found is not None
    return found.callers


@pytest.mark.parametrize(
    ("account", "role", "by", "caller"),
    [
        ("", "guest", "gateway", GUEST),
        ("ada", "customer", "gateway", Caller("ada", "customer")),
        ("ä|1", "admin", "gateway", Caller("ä|1", "admin")),
        ("", "system", "orders", Caller(role="system", part="orders")),
    ],
)
def test_who_is_named_by_whom_may_name_him_is_believed(
    callers: Callers, account: str, role: Role, by: str, caller: Caller
) -> None:
    assert callers.of(identity(account, role, by)) == caller


def test_nobody_is_named_where_there_is_no_identity(callers: Callers) -> None:
    assert callers.of(None) == GUEST


def swapped(token: str, part: int, text: bytes) -> str:
    parts = token.split(".")
    parts[part] = keys.encoded(text)
    return ".".join(parts)


GATEWAY = signer("gateway")
FORGED = {
    "the gateway's name, another key": claimed(as_if_by("gateway")),
    "the gateway's name, the orders' key": claimed(signer("orders")),
    "the orders name an account": claimed(signer("orders"), iss="orders"),
    "the gateway calls as the system": claimed(GATEWAY, role="system", sub=""),
    "a guest with an account": claimed(GATEWAY, role="guest"),
    "an unknown role": claimed(GATEWAY, role="root"),
    "a customer without an account": claimed(GATEWAY, sub=""),
    "an account that is no text": claimed(GATEWAY, sub=7),
    "for others": claimed(GATEWAY, aud="shophub"),
    "of another issuer": claimed(GATEWAY, iss="orders"),
    "expired": claimed(GATEWAY, exp=int(time.time()) - 31),
    "an end that is no number": claimed(GATEWAY, exp="never"),
    "no end": claimed(GATEWAY, exp=None),
    "an unknown key": claimed(keys.Signer(keys.generate("gateway.2"))),
    "alg none": swapped(claimed(GATEWAY), 0, b'{"alg":"none","kid":"gateway.1"}'),
    "alg HS256": swapped(claimed(GATEWAY), 0, b'{"alg":"HS256","kid":"gateway.1"}'),
    "no kid": swapped(claimed(GATEWAY), 0, b'{"alg":"EdDSA"}'),
    "a header nested deeply": swapped(claimed(GATEWAY), 0, b"[" * 10_000),
    "other claims": swapped(claimed(GATEWAY), 1, b'{"sub":"root","role":"admin"}'),
    "no signature": swapped(claimed(GATEWAY), 2, b""),
    "another signature": swapped(claimed(GATEWAY), 2, b"x" * 64),
    "a fourth part": claimed(GATEWAY) + ".x",
    "nothing": "",
    "empty parts": "..",
    "one part": "x",
    "no base64": "ä.ö.ü",
    "control characters": "\x00.\x00.\x00",
}


@pytest.mark.parametrize("what", FORGED)
def test_what_is_forged_is_refused(callers: Callers, what: str) -> None:
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            callers.of(FORGED[what])


def test_an_identity_is_made_and_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []
    verifier = keys.Verifier(keys.read_set(secrets()["trusted-keys"]["TRUSTED_KEYS"]))
    identities, callers = Identities(signer("gateway")), Callers(verifier)

    def told(what: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            work.append(what)
            return real(*given)

        return noted

    monkeypatch.setattr(identities, "_make", told("made", identities._make))
    monkeypatch.setattr(verifier, "claims", told("verified", verifier.claims))
    ada = Caller("ada", "customer")
    assert [callers.of(identities.of(ada)) for _ in range(3)] == [ada] * 3
    assert work == ["made", "verified"]
    assert callers.of(identities.of(Caller("ada", "admin"))).role == "admin"
    assert work == ["made", "verified"] * 2


def test_an_identity_is_made_anew_before_it_ends_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = keys.Verifier(keys.read_set(secrets()["trusted-keys"]["TRUSTED_KEYS"]))
    identities, callers = Identities(signer("gateway")), Callers(verifier)
    began = time.time()
    ada = Caller("ada", "customer")
    old = identities.of(ada)
    callers.of(old)
    monkeypatch.setattr(time, "time", lambda: began + 61)
    new = identities.of(ada)
    assert new != old
    monkeypatch.setattr(time, "time", lambda: began + 152)
    assert callers.of(new) == ada
    with pytest.raises(Unauthenticated, match="expired"):
        callers.of(old)


def test_what_is_remembered_has_a_bound() -> None:
    identities = Identities(signer("gateway"))
    for number in range(5_000):
        identities.of(Caller(str(number), "customer"))
    assert len(identities._made) == 4_096


def test_nothing_is_held_where_authentication_is_off() -> None:
    assert configure(Settings({}), calls=True) is None
    assert configure(Settings(trusting() | {"AUTH": "off"}), calls=True) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"AUTH": "yes"}, "AUTH must be on or off"),
        ({"AUTH": "on"}, "TRUSTED_KEYS is not set"),
        ({"AUTH": "on", "TRUSTED_KEYS": "x"}, "TRUSTED_KEYS is no JSON Web Key Set"),
        ({"AUTH": "on", "TRUSTED_KEYS": '{"keys":[{"kid":"a"}]}'}, "TRUSTED_KEYS holds a key"),
        (trusting(), "IDENTITY_SIGNING_KEY is not set"),
        (trusting() | {"IDENTITY_SIGNING_KEY": "7"}, "IDENTITY_SIGNING_KEY is no private key"),
        (trusting() | {"IDENTITY_SIGNING_KEY": json.dumps({"kid": "a"})}, "no private key"),
    ],
)
def test_a_process_without_its_keys_says_what_is_missing(
    settings: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingError, match=said):
        configure(Settings(settings), calls=True)


def test_where_authentication_is_off_nothing_of_it_is_imported() -> None:
    program = (
        "import sys; from shop.serve import build; from shop.settings import Settings;"
        "build(Settings({'FUNCTION_TARGET': 'gateway', 'FUNCTION_SOURCE': 'gateway/gateway.py'}));"
        "print(sorted({'cryptography', 'jwt'} & sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
