import psutil
import pytest

from shop.errors import TooManyRequests
from shop.exporting import configure
from shop.gateway.clients import subscriber
from shop.gateway.counters import BoundedCounters
from shop.gateway.ratelimits import RateLimits, route_class
from shop.settings import SettingError, Settings

SETTINGS = {"OTEL_METRICS_EXPORTER": "none", "RATE_LIMIT_READ": "3/minute"}


def limits(**settings: str) -> RateLimits:
    given = Settings(SETTINGS | settings)
    return RateLimits(given, configure(given, function="gateway", area="gateway"))


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/api/products", "read"),
        ("HEAD", "/api/orders/1", "read"),
        ("OPTIONS", "/api/orders", "read"),
        ("POST", "/api/orders", "write"),
        ("DELETE", "/api/products/1", "write"),
        ("POST", "/api/auth/token", "login"),
        ("GET", "/api/auth/jwks.json", "read"),
        ("GET", "/wp-login.php", "read"),
    ],
)
def test_a_request_counts_as_what_it_asks_for(method: str, path: str, kind: str) -> None:
    assert route_class(method, path) == kind


async def test_as_many_requests_pass_as_are_allowed_and_the_headers_count_down() -> None:
    it = limits()
    told = [dict(await it.admit("read", account="", address="10.0.0.1")) for _ in range(3)]

    assert [headers[b"ratelimit"].split(b";")[:2] for headers in told] == [
        [b'"read"', b"r=2"], [b'"read"', b"r=1"], [b'"read"', b"r=0"],
    ]  # fmt: skip
    assert told[0][b"ratelimit-policy"] == b'"read";q=3;w=60'
    with pytest.raises(TooManyRequests) as refused:
        await it.admit("read", account="", address="10.0.0.1")
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
    assert refused.value.headers["RateLimit"].startswith('"read";r=0;t=')


async def test_classes_accounts_and_addresses_are_counted_apart() -> None:
    it = limits(RATE_LIMIT_WRITE="1/minute", RATE_LIMIT_READ="1/minute")

    await it.admit("read", account="", address="10.0.0.1")
    await it.admit("write", account="", address="10.0.0.1")
    await it.admit("read", account="", address="10.0.0.2")
    await it.admit("read", account="a", address="10.0.0.1")
    await it.admit("read", account="b", address="10.0.0.1")
    with pytest.raises(TooManyRequests):
        await it.admit("read", account="a", address="10.0.0.9")


async def test_a_login_counts_by_its_address_whoever_is_signed_in() -> None:
    it = limits(RATE_LIMIT_LOGIN="1/minute")

    await it.admit("login", account="a", address="10.0.0.1")
    with pytest.raises(TooManyRequests):
        await it.admit("login", account="b", address="10.0.0.1")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("unknown", "unknown"),
    ],
)
def test_a_subscriber_of_ipv6_is_counted_as_one(address: str, counted: str) -> None:
    assert subscriber(address) == counted


@pytest.mark.parametrize("text", ["many", "0", "5 per", "5/fortnight"])
def test_a_limit_that_cannot_be_read_is_told_by_name(text: str) -> None:
    with pytest.raises(SettingError, match="RATE_LIMIT_READ"):
        limits(RATE_LIMIT_READ=text)


def test_an_address_that_is_no_redis_is_told_by_name() -> None:
    with pytest.raises(SettingError, match="RATE_LIMIT_URL"):
        limits(RATE_LIMIT_URL="memcached://127.0.0.1")


class Clock:
    """A clock that is set by hand."""

    now = 60_000.0

    def __call__(self) -> float:
        return self.now


async def test_no_minute_lets_twice_as_many_pass() -> None:
    """A fixed window would: all of one at its end, and all of the next at its beginning."""
    clock = Clock()
    counters = BoundedCounters(clock=clock)

    async def passed(times: int) -> int:
        return sum(
            [await counters.acquire_sliding_window_entry("key", 100, 60) for _ in range(times)]
        )

    clock.now = 60_000.0 + 59.0
    assert await passed(150) == 100
    clock.now = 60_060.0 + 1.0
    assert await passed(150) == 2
    clock.now = 60_060.0 + 30.0
    assert await passed(150) == 48
    clock.now = 60_300.0
    assert await passed(150) == 100


async def test_a_flood_of_keys_takes_no_more_memory_than_allowed() -> None:
    counters = BoundedCounters(most_keys=10_000)
    process = psutil.Process()
    before = process.memory_info().rss
    for number in range(200_000):
        await counters.acquire_sliding_window_entry(f"address:{number}", 10, 60)

    assert len(counters) == 10_000
    assert process.memory_info().rss - before < 30_000_000
