"""How many requests an account or an address may send, by what they ask for.

Decided by the library `limits` with a sliding window counter: two numbers for each key, and no
moment at which a client may send twice as much. In this process's memory, or in Redis where
several gateways share a limit. Where Redis does not answer, each gateway decides by its memory: a
limit that is a few times too high for a while is better than a shop that is closed.
"""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from shop.errors import TooManyRequests
from shop.gateway.clients import subscriber
from shop.gateway.counters import BoundedCounters
from shop.settings import SettingError, Settings
from shop.telemetry import Telemetry

RouteClass = Literal["read", "write", "login"]
Header = tuple[bytes, bytes]

_REDIS_SECONDS = 0.1
_AWAY_SECONDS = 5.0

_log = logging.getLogger(__name__)


def route_class(method: str, path: str) -> RouteClass:
    """What a request counts as: guessing passwords is bounded more closely than buying."""
    if path.startswith("/api/auth/") and method == "POST":
        return "login"
    return "read" if method in ("GET", "HEAD", "OPTIONS") else "write"


@dataclass(frozen=True, slots=True)
class Policy:
    """The limit of a class, and the header that announces it."""

    name: RouteClass
    item: RateLimitItem

    @property
    def header(self) -> Header:
        """`RateLimit-Policy`, as draft-ietf-httpapi-ratelimit-headers-10 has it."""
        text = f'"{self.name}";q={self.item.amount};w={self.item.get_expiry()}'
        return b"ratelimit-policy", text.encode()


class RateLimits:
    """The limits of this gateway."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._policies: dict[RouteClass, Policy] = {
            "read": _policy("read", settings.text("RATE_LIMIT_READ", "1200/minute")),
            "write": _policy("write", settings.text("RATE_LIMIT_WRITE", "240/minute")),
            "login": _policy("login", settings.text("RATE_LIMIT_LOGIN", "30/minute")),
        }
        self._own = SlidingWindowCounterRateLimiter(BoundedCounters())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if settings.has("RATE_LIMIT_URL"):
            self._shared = _shared(settings.text("RATE_LIMIT_URL"))
        self._away_until = 0.0

    async def admit(self, kind: RouteClass, *, account: str, address: str) -> Sequence[Header]:
        """Count a request; the headers that tell its client what is left.

        An account is counted wherever it comes from; a login, which has none yet, and a guest by
        their address.

        Raises:
            TooManyRequests: it is one too many.
        """
        policy = self._policies[kind]
        known = account and kind != "login"
        key = f"account:{account}" if known else f"address:{subscriber(address)}"
        allowed, left, seconds = await self._hit(policy, f"{kind}:{key}")
        if not allowed:
            self._telemetry.count("gateway_limited_requests", 1, **{"class": kind})
            limit = f'"{kind}";r=0;t={seconds}'
            raise TooManyRequests(
                f"More than {policy.item.amount} requests in {policy.item.get_expiry()} s.",
                headers={
                    "Retry-After": str(seconds),
                    "RateLimit": limit,
                    "RateLimit-Policy": policy.header[1].decode(),
                },
            )
        return (b"ratelimit", f'"{kind}";r={left};t={seconds}'.encode()), policy.header

    async def _hit(self, policy: Policy, key: str) -> tuple[bool, int, int]:
        """Whether the request is allowed, how many are left, and seconds until there is one more.

        Redis is asked again some seconds after it did not answer, and not by every request.
        """
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                async with asyncio.timeout(_REDIS_SECONDS):
                    return await _asked(self._shared, policy.item, key)
            except Exception as error:  # noqa: BLE001 - whatever it is, the shop stays open
                self._away_until = time.monotonic() + _AWAY_SECONDS
                _log.warning(
                    "rate limits are this gateway's own for now: %s", str(error) or "too late"
                )
        if self._shared is not None:
            self._telemetry.count("gateway_rate_limit_fallbacks", 1)
        return await _asked(self._own, policy.item, key)


async def _asked(
    limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, key: str
) -> tuple[bool, int, int]:
    allowed = await limiter.hit(item, key)
    stats = await limiter.get_window_stats(item, key)
    seconds = max(1, math.ceil(stats.reset_time - time.time()))
    return allowed, stats.remaining, seconds


def _policy(name: RouteClass, text: str) -> Policy:
    try:
        return Policy(name, parse(text))
    except ValueError:
        setting = f"RATE_LIMIT_{name.upper()}"
        raise SettingError(f"{setting} must be like 600/minute, not {text!r}") from None


def _shared(url: str) -> SlidingWindowCounterRateLimiter:
    """The counters in Redis."""
    from limits.aio.storage import RedisStorage

    if not url.startswith(("redis://", "rediss://")):
        raise SettingError("RATE_LIMIT_URL must begin with redis:// or rediss://")
    storage = RedisStorage(
        f"async+{url}",
        implementation="redispy",
        key_prefix="shop-limits",
        socket_connect_timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
    )
    return SlidingWindowCounterRateLimiter(storage)


__all__ = ["RateLimits", "RouteClass", "route_class"]
