import socket
from typing import Any

import pytest

from load.target import LoopbackResolver, TargetRefusedError, loopback_target


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"]
)
def test_this_machine_is_accepted(url: str) -> None:
    assert str(loopback_target(url, "http://localhost:8080")) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example",
        "http://10.0.0.1:8080",
        "http://192.168.1.2",
        "http://0.0.0.0:8080",
        "http://127.0.0.1@shop.example/",
        "http://localhost.shop.example",
    ],
)
def test_another_host_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1")

    with pytest.raises(TargetRefusedError, match="is refused"):
        loopback_target(url, "http://localhost:8080")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "http://", "http://a:b"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(TargetRefusedError):
        loopback_target(url, url)


def test_the_host_of_shop_url_is_accepted_where_it_is_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, "127.0.0.1")

    assert loopback_target("http://shop.test/", "http://shop.test").host == "shop.test"


def test_the_host_of_shop_url_is_refused_where_one_address_is_not_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, "127.0.0.1", "192.0.2.1")

    with pytest.raises(TargetRefusedError, match="not an address of this machine"):
        loopback_target("http://shop.test/", "http://shop.test")


async def test_a_name_that_moves_away_meanwhile_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = LoopbackResolver()
    resolving(monkeypatch, "192.0.2.1")

    with pytest.raises(OSError, match="no longer resolves"):
        await resolver.resolve("shop.test", 80)
