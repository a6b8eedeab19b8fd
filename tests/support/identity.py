"""The identity database and its functions, and a client that signs in and out."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import jwt
from yarl import URL

from shop import keys
from tests.support.functions import Function, Host
from tests.support.shop import Answer
from tests.support.tables import Tables

NAMES = ("register_account", "issue_token", "refresh_token", "end_session", "list_keys")
PATHS = {
    "register_account": "/auth/accounts",
    "issue_token": "/auth/token",
    "refresh_token": "/auth/refresh",
    "end_session": "/auth/logout",
    "list_keys": "/auth/jwks.json",
}
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"


class Identity(Tables):
    """The identity database."""

    def __init__(self, url: str) -> None:
        super().__init__("identity", url)

    def age(self, seconds: float) -> None:
        """Let every session be older than it is."""
        self.run(
            "UPDATE sessions SET rotated_at = rotated_at - make_interval(secs => %s),"
            " created_at = created_at - make_interval(secs => %s),"
            " expires_at = expires_at - make_interval(secs => %s) WHERE revoked_at IS NULL",
            seconds, seconds, seconds,
        )  # fmt: skip

    def revoked(self) -> list[bool]:
        """Of each session, in the order of their beginning, whether it was revoked."""
        rows = self.rows("SELECT revoked_at IS NOT NULL FROM sessions ORDER BY created_at")
        return [revoked for (revoked,) in rows]


class Accounts:
    """The functions of the identity area, and a client of them."""

    def __init__(self, url: str) -> None:
        self.host = Host()
        self._url = url
        self.keys = [keys.generate("tokens.1")]
        self._functions = {name: self.host.serve(name, self.settings()) for name in NAMES}
        self._in_place_of: dict[str, Function] = {}
        self._elsewhere: dict[str, str] = {}

    def settings(self, **others: str) -> dict[str, str]:
        """The environment of a function."""
        return {
            "DATABASE_URL": self._url,
            "TOKEN_SIGNING_KEYS": keys.key_set(self.keys),
        } | others

    def __getitem__(self, name: str) -> Function:
        """A function by name; the one in its place where there is one."""
        return self._in_place_of.get(name) or self._functions[name]

    def replace(self, name: str, **settings: str) -> Function:
        """Put another instance of a function in its place, until `restore`."""
        function = self.host.serve(name, self.settings(**settings))
        self._in_place_of[name] = function
        return function

    def send_to(self, name: str, address: str) -> None:
        """Let requests to a function go to another address, until `restore`."""
        self._elsewhere[name] = address

    def restore(self) -> None:
        """Stop what was put in place of others."""
        self._elsewhere.clear()
        self.host.stop(*self._in_place_of.values())
        self._in_place_of.clear()

    def close(self) -> None:
        """Stop all of them."""
        self.host.close()

    async def send(
        self, name: str, body: Any = None, *, cookie: str | None = None, **headers: str
    ) -> Answer:
        """Send a request to a function; `headers` as `X_Forwarded_Proto="https"`."""
        method = "GET" if name == "list_keys" else "POST"
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        if cookie is not None:
            given["Cookie"] = f"shop_session={cookie}"
        url = URL((self._elsewhere.get(name) or self[name].address) + PATHS[name])
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, url, json=body, headers=given) as answer,
        ):
            return Answer(answer.status, answer.headers, await answer.read())

    async def register(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Answer:
        """Make an account."""
        return await self.send("register_account", {"email": email, "password": password} | more)

    async def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Answer:
        """Ask for tokens."""
        return await self.send("issue_token", {"email": email, "password": password} | more)

    async def refresh(self, token: str | None = None, *, cookie: str | None = None) -> Answer:
        """Go on with a session."""
        body = None if token is None else {"refresh_token": token}
        return await self.send("refresh_token", body, cookie=cookie)

    def claims(self, answer: Answer) -> Mapping[str, Any]:
        """What the answer's access token says, verified as anybody would."""
        token = answer.json["access_token"]
        kid = jwt.get_unverified_header(token)["kid"]
        (key,) = [keys.public(each) for each in self.keys if each["kid"] == kid]
        claims: Mapping[str, Any] = jwt.decode(
            token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="shophub",
            issuer="https://shophub.local",
            options={"require": ["iss", "aud", "sub", "role", "iat", "exp", "jti", "sid"]},
        )  # fmt: skip
        return claims


def cookie(answer: Answer) -> tuple[str, set[str]]:
    """The session cookie that an answer sets: its value, and its attributes."""
    value, *attributes = answer.headers["Set-Cookie"].split("; ")
    name, _, token = value.partition("=")
    assert name == "shop_session"
    return token, set(attributes)
