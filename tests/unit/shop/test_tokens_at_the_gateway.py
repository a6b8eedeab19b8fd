"""What the gateway believes of a token, and how it comes by the keys."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from shop import keys
from shop.access import Caller
from shop.errors import DependencyDown, Unauthenticated
from shop.gateway import issuers
from shop.gateway.issuers import Issuer, read, usable
from shop.gateway.tokens import Tokens
from shop.settings import SettingError, Settings
from tests.support.issuing import (
    FOREIGN,
    OWN,
    claims,
    foreign,
    foreign_keys,
    foreign_rsa,
    own,
    own_keys,
    token,
    unsigned,
)

BOTH = Settings(
    {
        "AUTH_ISSUERS": json.dumps(
            [
                {"issuer": OWN},
                {
                    "issuer": FOREIGN,
                    "jwks_url": "https://login.example/keys",
                    "audience": "shop-api",
                    "role_claim": "realm.roles",
                },
            ]
        )
    }
)


class Addresses:
    """What is at the issuers' addresses, and who has looked."""

    def __init__(self) -> None:
        self.shown: dict[str, str | None] = {
            "http://list-keys/auth/jwks.json": own_keys(),
            "https://login.example/keys": foreign_keys(),
        }
        self.looked: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.looked.append(url)
        found = self.shown[url]
        if found is None:
            raise DependencyDown(f"{url} does not answer")
        return found.encode()

    def tokens(self, *, fresh: float = 300.0) -> Tokens:
        known = read(BOTH, lambda: "http://list-keys/auth/jwks.json")
        return Tokens([Issuer(each, self.fetch, fresh) for each in known])


@pytest.fixture
def addresses() -> Addresses:
    return Addresses()


@pytest.mark.parametrize(
    ("made", "caller"),
    [
        (token(), Caller("ada", "customer")),
        (token(role="admin", sub="root"), Caller("root", "admin")),
        (token(role="anything"), Caller("ada", "customer")),
        (token(aud=["others", "shophub"]), Caller("ada", "customer")),
        (foreign(), Caller(f"{FOREIGN}|ada", "customer")),
        (foreign("ES256", "e1"), Caller(f"{FOREIGN}|ada", "customer")),
        (foreign(realm={"roles": ["x", "admin"]}), Caller(f"{FOREIGN}|ada", "admin")),
        (foreign(realm={"roles": "admin"}), Caller(f"{FOREIGN}|ada", "admin")),
        (foreign(role="admin", realm={"roles": ["administrator"]}),
         Caller(f"{FOREIGN}|ada", "customer")),
        (foreign("RS256", "r1", None, **{"realm.roles": ["admin"]}),
         Caller(f"{FOREIGN}|ada", "admin")),
    ],
    ids=range(10),
)  # fmt: skip
async def test_a_token_says_who_its_bearer_is(
    addresses: Addresses, made: str, caller: Caller
) -> None:
    assert await addresses.tokens().caller(made) == caller


async def test_clocks_may_differ_a_little(addresses: Addresses) -> None:
    now = int(time.time())
    for made in (token(exp=now - 5), token(iat=now + 5), token(nbf=now + 5)):
        assert (await addresses.tokens().caller(made)).account == "ada"


def keyed_with(public: str, header: dict[str, str]) -> str:
    """A token that is signed by HMAC with a public key."""
    parts = (json.dumps(part).encode() for part in (header, claims(role="admin")))
    message = ".".join(map(keys.encoded, parts))
    made = hmac.new(public.encode(), message.encode(), hashlib.sha256).digest()
    return f"{message}.{keys.encoded(made)}"


PUBLIC = json.loads(own_keys())["keys"][0]["x"]
LATER, BEFORE = int(time.time()) + 86_400, int(time.time()) - 60
FORGED = {
    "another key": keys.Signer(keys.generate("tokens.1")).token(claims()),
    "an unknown key": keys.Signer(keys.generate("tokens.2")).token(claims()),
    "another foreign key": foreign(
        key=rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    ),
    "the foreign key in the own name": jwt.encode(
        claims(), foreign_rsa(), algorithm="RS256", headers={"kid": "r1"}
    ),
    "the own key in the foreign name": own().token(claims(iss=FOREIGN, aud="shop-api")),
    "alg none": unsigned({"alg": "none", "kid": "tokens.1"}, role="admin"),
    "alg None": unsigned({"alg": "None", "kid": "tokens.1"}, role="admin"),
    "no signature": unsigned({"alg": "EdDSA", "kid": "tokens.1"}, role="admin"),
    "HS256 with the public key": keyed_with(PUBLIC, {"alg": "HS256", "kid": "tokens.1"}),
    "HS256 with a key that is shown": keyed_with("secret", {"alg": "HS256", "kid": "h1"}),
    "another algorithm of the key": foreign("RS512"),
    "another of its kind": foreign("PS256"),
    "wrong audience": token(aud="others"),
    "no audience": token(aud=None),
    "wrong issuer": token(iss="https://evil.example"),
    "no issuer": token(iss=None),
    "an issuer that is no text": token(iss=["https://shophub.local"]),
    "expired": token(exp=BEFORE),
    "without an end": token(exp=None),
    "an endless end": token(exp=float("inf")),
    "an end that is no number": token(exp="later"),
    "not yet valid": token(nbf=LATER),
    "issued later": token(iat=LATER),
    "no subject": token(sub=None),
    "an empty subject": token(sub=""),
    "a long subject": token(sub="x" * 256),
    "a subject that is no text": token(sub=7),
    "a subject with a line break": token(sub="ada\nroot"),
    "no key id": unsigned({"alg": "EdDSA"}),
    "a key id that is no text": unsigned({"alg": "EdDSA", "kid": ["tokens.1"]}),
    "too long": token(name="x" * 9_000),
    "nested deeply": keys.encoded(b"[" * 6_000) + ".e30.",
    "three words": "a.b.c",
    "nothing": "",
    "no ASCII": "ä.ö.ü",
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_token_that_does_not_hold_is_refused_each_time(
    addresses: Addresses, what: str
) -> None:
    tokens = addresses.tokens()
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            await tokens.caller(FORGED[what])
        assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=60).map(keys.encoded) | st.text(max_size=20), max_size=4).map(
        ".".join
    )
    | st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip"]),
        st.sampled_from(["EdDSA", "tokens.1", "none", 1, None, True, [], {}]),
    ).map(lambda header: unsigned(header) + "AAAA")
)
async def test_whatever_is_sent_is_refused_and_breaks_nothing(sent: str) -> None:
    with pytest.raises(Unauthenticated):
        await Addresses().tokens().caller(sent)


async def test_a_token_is_verified_once_and_again_when_it_has_expired(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, made = addresses.tokens(), token(exp=int(time.time()) + 30)
    verified: list[str] = []
    real = tokens._verified

    def noted(sent: str) -> Any:
        verified.append(sent)
        return real(sent)

    monkeypatch.setattr(tokens, "_verified", noted)
    for _ in range(3):
        await tokens.caller(made)
    assert verified == [made]
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 41)
    await tokens.caller(made)  # PyJWT has a clock of its own, by which it still holds.
    assert verified == [made, made]


async def test_keys_are_fetched_when_the_first_token_of_their_issuer_comes(
    addresses: Addresses,
) -> None:
    tokens = addresses.tokens()
    assert addresses.looked == []
    for _ in range(3):
        await tokens.caller(token())
    assert addresses.looked == ["http://list-keys/auth/jwks.json"]


async def test_made_up_keys_make_one_look_every_few_seconds(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = addresses.tokens()
    await tokens.caller(token())
    monkeypatch.setattr(issuers, "_AGAIN_SECONDS", 0.0)
    with pytest.raises(Unauthenticated):
        await tokens.caller(FORGED["an unknown key"])
    assert len(addresses.looked) == 2
    monkeypatch.setattr(issuers, "_AGAIN_SECONDS", 60.0)
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await tokens.caller(keys.Signer(keys.generate(f"tokens.{number + 9}")).token(claims()))
    assert len(addresses.looked) == 2


async def test_a_new_key_is_known_when_its_first_token_comes(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "_AGAIN_SECONDS", 0.0)
    tokens = addresses.tokens()
    await tokens.caller(token())
    new = keys.generate("tokens.2")
    shown = json.loads(own_keys())["keys"]
    addresses.shown["http://list-keys/auth/jwks.json"] = keys.key_set([keys.public(new), *shown])

    assert (await tokens.caller(keys.Signer(new).token(claims(sub="eve")))).account == "eve"
    assert (await tokens.caller(token())).account == "ada"


async def test_a_token_ends_when_its_key_leaves_the_set(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "_AGAIN_SECONDS", 0.0)
    tokens, made = addresses.tokens(fresh=0.0), token()
    await tokens.caller(made)
    other = keys.generate("tokens.2")
    addresses.shown["http://list-keys/auth/jwks.json"] = keys.key_set([keys.public(other)])

    await tokens.caller(made)  # Good for the last time: it makes the gateway look.
    await asyncio.sleep(0)

    with pytest.raises(Unauthenticated):
        await tokens.caller(made)
    assert (await tokens.caller(keys.Signer(other).token(claims()))).account == "ada"


async def test_keys_stay_while_their_issuer_is_away(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "_AGAIN_SECONDS", 0.0)
    tokens = addresses.tokens(fresh=0.0)
    await tokens.caller(token())
    for gone in (None, "{", '{"keys": 1}'):
        addresses.shown["http://list-keys/auth/jwks.json"] = gone
        looked = len(addresses.looked)
        for number in range(3):
            assert (await tokens.caller(token(sub=f"eve-{number}"))).account == f"eve-{number}"
            await asyncio.sleep(0)  # The look goes on beside.
        assert len(addresses.looked) > looked


async def test_where_the_keys_were_never_seen_it_cannot_be_said_who_calls(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "_AGAIN_SECONDS", 0.0)
    tokens = addresses.tokens()
    addresses.shown["http://list-keys/auth/jwks.json"] = None
    with pytest.raises(DependencyDown) as refused:
        await tokens.caller(token())
    assert refused.value.headers == {"Retry-After": "5"}
    assert (await tokens.caller(foreign())).role == "customer"
    addresses.shown["http://list-keys/auth/jwks.json"] = own_keys()
    assert (await tokens.caller(token())).account == "ada"


def test_only_keys_that_sign_with_what_is_allowed_are_used() -> None:
    assert set(usable(foreign_keys().encode())) == {"r1", "e1"}
    weak = rsa.generate_private_key(public_exponent=65_537, key_size=1_024).public_key()  # noqa: S505
    shown: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(weak, as_dict=True)
    assert usable(json.dumps({"keys": [shown | {"kid": "weak"}]}).encode()) == {}


@pytest.mark.parametrize(
    "text",
    [
        "x", "{}", "[]", "[1]", '[{"issuer": "a"}]', '[{"issuer": "a", "jwks_url": "https://a"}]',
        '[{"issuer": "a", "jwks_url": "file:///a", "audience": "b"}]',
        f'[{{"issuer": "{OWN}"}}, {{"issuer": "{OWN}"}}]',
    ],
)  # fmt: skip
def test_issuers_that_cannot_be_read_stop_the_gateway_by_name(text: str) -> None:
    with pytest.raises(SettingError, match="AUTH_ISSUERS must be"):
        read(Settings({"AUTH_ISSUERS": text}), lambda: "http://list-keys")
