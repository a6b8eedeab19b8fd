"""Which addresses may be put under load: those of this machine, and no others."""

import socket
from collections.abc import Iterable
from ipaddress import ip_address

from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


class TargetRefusedError(Exception):
    """The address must not be put under load; the message is a sentence for the user."""


def loopback_target(url: str, shop: str) -> URL:
    """Return `url` if it leads to this machine.

    Its host is 127.0.0.1, localhost or ::1, or else the host of `shop` (SHOP_URL), which a hosts
    file may have given a name of its own. Either way it must resolve to loopback.

    Raises:
        TargetRefusedError: The host is another one, resolves to another machine or not at all.
    """
    try:
        target = URL(url)
        port = target.port
        named = URL(shop).host
    except ValueError as error:
        raise TargetRefusedError(f"{url!r} is not a URL: {error}.") from error
    if target.scheme not in {"http", "https"} or not target.host:
        raise TargetRefusedError(f"{url!r} is not an http URL with a host.")
    if target.host not in LOOPBACK_NAMES and target.host != named:
        raise TargetRefusedError(
            f"{target.host} is refused: the load goes to 127.0.0.1, localhost or [::1], "
            "or to the host of SHOP_URL."
        )
    try:
        found = socket.getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TargetRefusedError(f"{target.host} has no address.") from error
    if not all_loopback(str(address[0]) for *_, address in found):
        raise TargetRefusedError(f"{target.host} is refused: it is not an address of this machine.")
    return target


def all_loopback(addresses: Iterable[str]) -> bool:
    """Tell whether each of the addresses belongs to this machine alone."""
    return all(ip_address(address).is_loopback for address in addresses)


class LoopbackResolver(ThreadedResolver):
    """Holds every connection to the same rule, should a name change its address meanwhile."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve as usual, or raise OSError when an address is not this machine's."""
        found = await super().resolve(host, port, family)
        if not all_loopback(result["host"] for result in found):
            raise OSError(None, f"{host} no longer resolves to this machine")
        return found
