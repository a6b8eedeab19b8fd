import socket
from pathlib import Path

import pytest

from local import checks
from local.layout import Layout, PlatformError, shop_url


def test_an_offset_moves_every_port() -> None:
    layout = Layout.from_environment({"SHOP_PORT_OFFSET": "1000", "SHOP_DATA": "elsewhere"})
    assert layout.areas == {"inventory": 9081, "orders": 9082, "notifications": 9083}
    assert layout.kafka_address == "127.0.0.1:9192"
    assert layout.data.name == "elsewhere"


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://localhost:8080"),
        ({"SHOP_PORT_OFFSET": "1000"}, "http://localhost:9080"),
        ({"SHOP_PORT_OFFSET": "1000", "SHOP_URL": "http://shop.test"}, "http://shop.test"),
    ],
)
def test_tools_find_the_shop_where_it_was_started(environment: dict[str, str], url: str) -> None:
    assert shop_url(environment) == url


@pytest.mark.parametrize("offset", ["-1", "x", "70000"])
def test_an_offset_that_is_none_is_refused(offset: str) -> None:
    with pytest.raises(PlatformError, match="SHOP_PORT_OFFSET"):
        Layout.from_environment({"SHOP_PORT_OFFSET": offset})


def test_ports_stay_where_they_are_whatever_the_order_of_the_names(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.function_ports(["b", "gateway", "a"]) == layout.function_ports(
        ["a", "b", "gateway"]
    )


def test_a_port_in_use_is_named_with_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_GRACE_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PlatformError, match=rf"Port {port} \(the gateway\) is in use by .*pid"):
            checks.check_ports({port: "the gateway"})


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_LEAST_FREE_BYTES", 1 << 62)
    with pytest.raises(PlatformError, match="make room"):
        checks.check_disk(tmp_path)


def test_a_second_platform_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with (
        checks.only_one(Layout(tmp_path)),
        pytest.raises(PlatformError, match="already runs"),
        checks.only_one(Layout(tmp_path)),
    ):
        pass
    with checks.only_one(Layout(tmp_path)):
        pass
