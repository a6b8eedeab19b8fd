"""What the gateway's process holds: wired once, when it starts."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from shop import guarding
from shop.gateway.admission import Admission
from shop.gateway.clients import Clients
from shop.gateway.headers import CrossOrigin
from shop.gateway.passing import Gates
from shop.gateway.routes import Routes
from shop.gateway.upstreams import Upstreams
from shop.services import Services

if TYPE_CHECKING:
    from shop.gateway.ratelimits import RateLimits


@dataclass(frozen=True, slots=True)
class Parts:
    """The gateway's parts; `limits` is None where there are none."""

    admission: Admission
    clients: Clients
    cross_origin: CrossOrigin
    gates: Gates
    limits: "RateLimits | None"
    upstreams: Upstreams


@lru_cache(maxsize=1)
def routes() -> Routes:
    """The table of routes, read once a process."""
    return Routes.load()


@lru_cache(maxsize=8)  # A process has one; a test's may have several.
def parts(services: Services) -> Parts:
    """The parts of the process that has these services."""
    settings, telemetry = services.settings, services.telemetry
    limits = None
    # Where accounts are, limits are.
    if settings.switch("RATE_LIMITS", settings.text("AUTH", "off")):
        from shop.gateway.ratelimits import RateLimits

        limits = RateLimits(settings, telemetry)
    upstreams = Upstreams(settings, routes().services)
    return Parts(
        Admission(services, upstreams),
        Clients(settings),
        CrossOrigin(settings),
        Gates(settings, telemetry, routes().services),
        limits,
        upstreams,
    )


def prepare(services: Services) -> None:
    """Make the parts, so that a setting that is wrong is told at the start; tell of refusals."""
    parts(services)
    services.telemetry.begin_at_zero("gateway_rate_limit_fallbacks")
    services.telemetry.observe(
        "gateway_refused_connections",
        lambda: [(guarding.refusals[reason], {"reason": reason}) for reason in guarding.REASONS],
    )
