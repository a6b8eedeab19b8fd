"""Signing in to a shop that asks who calls: as SHOP_EMAIL with SHOP_PASSWORD, or by SHOP_TOKEN."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

# An access token is renewed when so much of its life is left.
_LEFT_SECONDS = 60.0
_TIMEOUT = 30.0


class SignInError(Exception):
    """The shop does not take the credentials; the message is a sentence for the user."""


class SignedIn:
    """Who a tool calls as: the account that the environment names, or nobody."""

    def __init__(
        self, url: str, host: str | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        """`url` is the gateway's; `host`, where given, replaces the Host header."""
        self._url = url.rstrip("/")
        self._host = host
        self._email = environment.get("SHOP_EMAIL") or ""
        self._password = environment.get("SHOP_PASSWORD") or ""
        self._token = environment.get("SHOP_TOKEN") or ""
        self._good_until = float("inf") if self._token else 0.0

    def headers(self) -> dict[str, str]:
        """What a request is sent with; signs in where that is due, which takes a moment.

        Raises:
            SignInError: the shop does not take the credentials.
        """
        if not self._token and not self._email:
            return {}
        if time.monotonic() > self._good_until:
            self._sign_in()
        return {"Authorization": f"Bearer {self._token}"}

    def _sign_in(self) -> None:
        body = json.dumps({"email": self._email, "password": self._password}).encode()
        headers = {"Content-Type": "application/json"} | (
            {"Host": self._host} if self._host else {}
        )
        request = urllib.request.Request(  # noqa: S310 - the address is the user's own
            f"{self._url}/api/auth/token", data=body, headers=headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                tokens = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise SignInError(
                f"The shop at {self._url} answers {error.code} to {self._email}, who signs in with "
                "SHOP_PASSWORD."
            ) from None
        except OSError as error:
            raise SignInError(f"{self._url} does not answer: {error}") from None
        self._token = tokens["access_token"]
        self._good_until = time.monotonic() + max(tokens["expires_in"] - _LEFT_SECONDS, 1.0)
