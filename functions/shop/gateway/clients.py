"""Where a request comes from, when proxies stand before the gateway."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import Request

from shop.settings import SettingError, Settings

_SUBSCRIBER = 64  # Bits of an IPv6 address that one subscriber's addresses have in common.


class Clients:
    """Tells a client's address and scheme.

    TRUSTED_PROXIES names networks, with commas between them. Only what a proxy of these says is
    believed: from the right of X-Forwarded-For, the first address that is none of theirs. A number
    of proxies would not do: Knative's activator is in the way of some requests and not of others.
    """

    def __init__(self, settings: Settings) -> None:
        named = settings.text("TRUSTED_PROXIES", " ").replace(",", " ").split()
        try:
            networks = [ip_network(network) for network in named]
        except ValueError as error:
            raise SettingError(f"TRUSTED_PROXIES must be networks: {error}") from None
        self._trusts_any = bool(networks)
        self._trusts = lru_cache(maxsize=4096)(lambda address: _is_in(address, networks))

    def address(self, request: Request) -> str:
        """The client's address."""
        peer = request.client.host if request.client is not None else "unknown"
        if not self._trusts_any or not self._trusts(peer):
            return peer
        hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for")
                for hop in line.split(",")]  # fmt: skip
        for hop in reversed(hops):
            if not _is_address(hop):
                return peer
            peer = hop
            if not self._trusts(hop):
                break
        return peer

    def scheme(self, request: Request) -> str:
        """`https` or `http`, as the client used it."""
        peer = request.client.host if request.client is not None else "unknown"
        if self._trusts_any and self._trusts(peer):
            return "https" if request.headers.get("x-forwarded-proto") == "https" else "http"
        return request.url.scheme


@lru_cache(maxsize=4096)
def subscriber(address: str) -> str:
    """What an address counts as where addresses are counted: of IPv6, the network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _SUBSCRIBER), strict=False))


def _is_in(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
