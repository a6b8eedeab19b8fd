"""Ed25519 keys as JWKs (RFC 7517, RFC 8037), what is signed with them, and where each is kept.

Whoever signs has a private key of his own, in a Secret that nobody else reads; everybody has the
public ones. `python -m shop.keys FOLDER` makes what is missing in a folder of Secrets; a cluster's
deployment makes the Secrets themselves.
"""

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Jwk = dict[str, str]
Secrets = dict[str, dict[str, str]]

TOKENS = "token-signing-keys"
TRUSTED = "trusted-keys"
# Those who sign what passes between functions. A key's id is its signer's name and a number.
OPERATOR = "operator"
SIGNERS = ("gateway", "orders", "inventory-relay", "orders-relay", OPERATOR)
SECRETS = (TOKENS, TRUSTED, *(f"{signer}-signing-key" for signer in SIGNERS))


def generate(kid: str) -> Jwk:
    """A new private key of that id."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": kid,
        "use": "sig",
        "alg": "EdDSA",
        "x": encoded(key.public_key().public_bytes_raw()),
        "d": encoded(key.private_bytes_raw()),
    }


def public(key: Mapping[str, str]) -> Jwk:
    """What anybody may see of a key."""
    return {name: key[name] for name in ("kty", "crv", "kid", "use", "alg", "x")}


def key_set(keys: Sequence[Mapping[str, str]]) -> str:
    """A JWKS as JSON."""
    return json.dumps({"keys": list(keys)}, separators=(",", ":"))


def read_set(text: str) -> list[Jwk]:
    """The keys of a JWKS; ValueError where it is none."""
    try:
        keys: Any = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("is no JSON Web Key Set") from None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("is no JSON Web Key Set")
    return keys


class Signer:
    """Signs with one private key; ValueError where it is none of Ed25519."""

    def __init__(self, key: Mapping[str, str]) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if key.get("crv") != "Ed25519" or not all(map(key.get, ("kid", "x", "d"))):
            raise ValueError("is no private key of Ed25519 with an id")
        self.kid = key["kid"]
        self._key = Ed25519PrivateKey.from_private_bytes(decoded(key["d"]))
        self._headers: dict[str, str] = {}

    def signature(self, message: bytes) -> bytes:
        """The message's signature, 64 bytes."""
        return self._key.sign(message)

    def token(self, claims: Mapping[str, Any], kind: str = "JWT") -> str:
        """The claims as a compact JWS of that type."""
        header = self._headers.get(kind)
        if header is None:
            members = {"alg": "EdDSA", "kid": self.kid, "typ": kind}
            header = self._headers[kind] = encoded(_json(members))
        message = f"{header}.{encoded(_json(claims))}"
        return f"{message}.{encoded(self._key.sign(message.encode()))}"


class Verifier:
    """Verifies what the holders of trusted keys have signed; ValueError where a key is none."""

    def __init__(self, trusted: Sequence[Mapping[str, str]]) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self._invalid = InvalidSignature
        self._keys: dict[str, Ed25519PublicKey] = {}
        for key in trusted:
            if key.get("crv") != "Ed25519" or not key.get("kid") or not key.get("x"):
                raise ValueError("holds a key that is no public one of Ed25519 with an id")
            self._keys[key["kid"]] = Ed25519PublicKey.from_public_bytes(decoded(key["x"]))

    def holds(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Whether the trusted key of that id has signed the message."""
        key = self._keys.get(kid)
        if key is None:
            return False
        try:
            key.verify(signature, message)
        except self._invalid:
            return False
        return True

    def claims(self, token: str) -> tuple[str, dict[str, Any]]:
        """A compact JWS's signer and claims; ValueError where no trusted key has signed it.

        The algorithm is that of the key, never what the token asks for.
        """
        message, _, signature = token.rpartition(".")
        header, _, payload = message.partition(".")
        members = _object(header)
        kid = members.get("kid")
        if members.get("alg") != "EdDSA" or not isinstance(kid, str):
            raise ValueError("is not signed by a key with an id")
        if not self.holds(kid, message.encode(), decoded(signature)):
            raise ValueError("is signed by nobody who is trusted")
        return signer_of(kid), _object(payload)


def signer_of(kid: str) -> str:
    """Whose key that is."""
    return kid.rpartition(".")[0]


def _object(part: str) -> dict[str, Any]:
    try:
        members: Any = json.loads(decoded(part))
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(members, dict):
        raise ValueError("is no object")  # noqa: TRY004 - what is read here came from outside
    return members


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def encoded(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of such a text; ValueError where it is none."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def complete(known: Mapping[str, Mapping[str, str]]) -> Secrets:
    """Every Secret of keys, by name: what is known stays, and what is missing is made.

    A signer whose Secret is gone gets his next key, and the one before stays trusted: that is how
    a key is exchanged, since those who verify are deployed before those who sign.
    """
    secrets: Secrets = {name: dict(values) for name, values in known.items()}
    if TOKENS not in secrets:
        secrets[TOKENS] = {"TOKEN_SIGNING_KEYS": key_set([generate("tokens.1")])}
    before = read_set(secrets[TRUSTED]["TRUSTED_KEYS"]) if TRUSTED in secrets else []
    for signer in SIGNERS:
        name = f"{signer}-signing-key"
        if name not in secrets:
            made = generate(_next(signer, [key["kid"] for key in before]))
            secrets[name] = {"IDENTITY_SIGNING_KEY": json.dumps(made, separators=(",", ":"))}
    signing = (json.loads(secrets[f"{s}-signing-key"]["IDENTITY_SIGNING_KEY"]) for s in SIGNERS)
    trusted = [public(key) for key in signing]
    trusted += [key for key in before if key["kid"] not in {each["kid"] for each in trusted}]
    secrets[TRUSTED] = {"TRUSTED_KEYS": key_set(trusted)}
    return secrets


def _next(signer: str, kids: Sequence[str]) -> str:
    numbers = [kid.rpartition(".")[2] for kid in kids if signer_of(kid) == signer]
    return f"{signer}.{1 + max((int(n) for n in numbers if n.isdecimal()), default=0)}"


def variable_of(secret: str) -> str:
    """The variable that a Secret of keys is read by."""
    return {TOKENS: "TOKEN_SIGNING_KEYS", TRUSTED: "TRUSTED_KEYS"}.get(
        secret, "IDENTITY_SIGNING_KEY"
    )


def path_of(secret: str, folder: Path) -> Path:
    """The file that holds a Secret of keys, as a volume of a pod would."""
    return folder / secret / variable_of(secret)


def keep(folder: Path) -> Secrets:
    """The Secrets in a folder that only its owner reads; what is missing is made."""
    known = {
        path.parent.name: {path.name: path.read_text()} for path in sorted(folder.glob("*/[A-Z]*"))
    }
    secrets = complete(known)
    for name, values in secrets.items():
        if values != known.get(name):
            store(folder, name, values)
    return secrets


def store(folder: Path, secret: str, values: Mapping[str, str]) -> None:
    """Write a Secret into the folder; a file appears whole or not at all."""
    place = folder / secret
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in values.items():
        draft = place / ".draft"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(value)
        draft.replace(place / name)


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m shop.keys FOLDER", file=sys.stderr)
        return 2
    print("\n".join(sorted(keep(Path(arguments[0])))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
