"""The headers that the gateway puts on every answer: what protects a browser, and CORS."""

from collections.abc import Iterable, Mapping

from shop.settings import SettingError, Settings

Header = tuple[bytes, bytes]

_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# An answer of the API is no page; the one page that there is has a policy of its own.
_NO_PAGE: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=31536000")
_MAY_SEND = (
    b"authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, "
    b"x-request-id"
)
_MAY_READ = (
    b"etag, idempotent-replayed, link, location, ratelimit, ratelimit-policy, retry-after, "
    b"www-authenticate, x-request-id"
)


def protecting(present: Iterable[Header], *, https: bool) -> list[Header]:
    """What is added to an answer that has the headers `present`."""
    headers = list(_ALWAYS)
    if not any(name.lower() == _NO_PAGE[0] for name, _ in present):
        headers.append(_NO_PAGE)
    if https:
        headers.append(_HTTPS_ONLY)
    return headers


class CrossOrigin:
    """The origins whose pages may call the API: CORS_ORIGINS, with commas between them.

    They get no credentials of a browser: whoever calls from elsewhere sends a token. The
    storefront is served at the gateway's own origin and needs none of this.
    """

    def __init__(self, settings: Settings) -> None:
        origins = settings.text("CORS_ORIGINS", " ").replace(",", " ").split()
        for origin in origins:
            scheme, _, host = origin.partition("://")
            if scheme not in ("http", "https") or not host or "/" in host or "*" in host:
                raise SettingError(f"CORS_ORIGINS must be like https://shop.example, not {origin}")
        self._allowed = frozenset(origin.encode() for origin in origins)

    def headers(self, request: Iterable[Header]) -> list[Header]:
        """What an answer to the request has for its origin."""
        if not self._allowed:
            return []
        origin = _one(request, b"origin")
        headers = [(b"vary", b"Origin")]
        if origin in self._allowed:
            headers += [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", _MAY_READ),
            ]
        return headers

    def preflight(
        self, request: Iterable[Header], methods: Iterable[str]
    ) -> Mapping[str, str] | None:
        """The answer to a preflight of an allowed origin; None where it is none."""
        known = list(request)
        if _one(known, b"origin") not in self._allowed:
            return None
        if not _one(known, b"access-control-request-method"):
            return None
        return {
            "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
            "Access-Control-Allow-Headers": _MAY_SEND.decode(),
            "Access-Control-Max-Age": "600",
        }


def _one(headers: Iterable[Header], wanted: bytes) -> bytes:
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 else b""
