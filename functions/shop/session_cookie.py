"""The cookie that holds a browser's refresh token, where no script can read it.

The browser sends it to the paths of accounts alone, and from pages of this site alone.
"""

from typing import Any

from shop.operation import Call

NAME = "shop_session"


def found(call: Call[Any]) -> str | None:
    """The refresh token that the browser sent along."""
    return call.request.cookies.get(NAME)


def holding(call: Call[Any], token: str, seconds: float) -> str:
    """The header that lets the browser keep a token for as long as its session lives."""
    return _header(call, token, int(seconds))


def cleared(call: Call[Any]) -> str:
    """The header that lets the browser forget it."""
    return _header(call, "", 0)


def _header(call: Call[Any], value: str, seconds: int) -> str:
    parts = [
        f"{NAME}={value}",
        f"Path={call.url('/auth')}",
        f"Max-Age={seconds}",
        "HttpOnly",
        "SameSite=Strict",
    ]
    scheme = call.request.headers.get("x-forwarded-proto", call.request.url.scheme)
    if scheme == "https":
        parts.append("Secure")
    return "; ".join(parts)
