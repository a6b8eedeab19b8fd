"""Issuers of access tokens: the shop's own, and one that is somebody else's."""

import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shop import keys

OWN, FOREIGN = "https://shophub.local", "https://login.example"


@cache
def own() -> keys.Signer:
    """The shop's own issuer."""
    return keys.Signer(_own())


@cache
def _own() -> keys.Jwk:
    return keys.generate("tokens.1")


@cache
def foreign_rsa() -> Any:
    """A private RSA key of the foreign issuer, as PyJWT takes it."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@cache
def foreign_ec() -> Any:
    """A private key of it on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def own_keys() -> str:
    """What list_keys shows."""
    return keys.key_set([keys.public(_own())])


def foreign_keys() -> str:
    """What the foreign issuer shows: keys for RS256 and ES256, and what the shop has no use for."""
    shown = [
        jwt.algorithms.RSAAlgorithm.to_jwk(foreign_rsa().public_key(), as_dict=True)
        | {"kid": "r1", "use": "sig", "alg": "RS256"},
        jwt.algorithms.ECAlgorithm.to_jwk(foreign_ec().public_key(), as_dict=True) | {"kid": "e1"},
        {"kty": "oct", "kid": "h1", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "kid": "enc", "use": "enc", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "broken", "x": "AA"},
        {"kty": "EC", "crv": "P-521", "kid": "long", "x": "AA", "y": "AA"},
    ]
    return json.dumps({"keys": shown})


def claims(**others: Any) -> dict[str, Any]:
    """What the shop's own issuer says of ada; a member that is None is left out."""
    now = int(time.time())
    usual: dict[str, Any] = {"iss": OWN, "aud": "shophub", "sub": "ada", "role": "customer"}
    usual |= {"iat": now, "exp": now + 86_400}
    return {name: value for name, value in (usual | others).items() if value is not None}


def token(**others: Any) -> str:
    """A token of the shop's own issuer."""
    return own().token(claims(**others), "at+jwt")


def foreign(alg: str = "RS256", kid: str = "r1", key: Any = None, **others: Any) -> str:
    """A token of the foreign issuer."""
    said = claims(**{"iss": FOREIGN, "aud": "shop-api", "role": None} | others)
    key = key or (foreign_ec() if alg == "ES256" else foreign_rsa())
    return jwt.encode(said, key, algorithm=alg, headers={"kid": kid})


def unsigned(header: dict[str, Any], **others: Any) -> str:
    """A token with that header, and no signature."""
    parts = (json.dumps(part).encode() for part in (header, claims(**others)))
    return ".".join(map(keys.encoded, parts)) + "."
