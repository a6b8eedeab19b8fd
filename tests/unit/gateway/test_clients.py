import pytest
from starlette.requests import Request

from shop.gateway.clients import Clients
from shop.settings import SettingError, Settings


def request(peer: str, *forwarded: str, proto: str = "") -> Request:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    return Request(
        {"type": "http", "client": (peer, 1), "headers": headers, "scheme": "http",
         "method": "GET", "path": "/", "query_string": b"", "server": ("x", 80)}
    )  # fmt: skip


def clients(networks: str) -> Clients:
    return Clients(Settings({"TRUSTED_PROXIES": networks}))


@pytest.mark.parametrize(
    ("networks", "peer", "forwarded", "address"),
    [
        ("", "203.0.113.9", ["6.6.6.6"], "203.0.113.9"),
        ("10.244.0.0/16", "203.0.113.9", ["6.6.6.6"], "203.0.113.9"),
        ("10.244.0.0/16", "10.244.0.7", ["203.0.113.9"], "203.0.113.9"),
        ("10.244.0.0/16", "10.244.0.7", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.244.0.0/16", "10.244.0.7", ["6.6.6.6, 203.0.113.9, 10.244.0.3"], "203.0.113.9"),
        ("10.244.0.0/16", "10.244.0.7", ["6.6.6.6", "203.0.113.9, 10.244.0.3"], "203.0.113.9"),
        ("10.244.0.0/16", "10.244.0.7", ["6.6.6.6, nonsense"], "10.244.0.7"),
        ("10.244.0.0/16", "10.244.0.7", [""], "10.244.0.7"),
        ("10.244.0.0/16", "10.244.0.7", [], "10.244.0.7"),
        ("10.244.0.0/16, 127.0.0.1", "127.0.0.1", ["203.0.113.9, 10.244.0.3"], "203.0.113.9"),
        ("fd00::/8", "fd00::1", ["2001:db8::5"], "2001:db8::5"),
    ],
)
def test_only_a_trusted_proxy_says_where_a_request_comes_from(
    networks: str, peer: str, forwarded: list[str], address: str
) -> None:
    assert clients(networks).address(request(peer, *forwarded)) == address


def test_only_a_trusted_proxy_says_that_it_was_asked_by_https() -> None:
    it = clients("10.244.0.0/16")

    assert it.scheme(request("10.244.0.7", proto="https")) == "https"
    assert it.scheme(request("203.0.113.9", proto="https")) == "http"
    assert it.scheme(request("10.244.0.7")) == "http"


def test_what_is_no_network_is_told_by_name() -> None:
    with pytest.raises(SettingError, match="TRUSTED_PROXIES"):
        clients("kourier")
