"""A gateway in front of a stage: services that answer what a test tells them to."""

import json
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from shop.gateway.routes import Routes
from tests.support.functions import Function, Host
from tests.support.stage import Stage

StartGateway = Callable[..., Function]


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """Where gateways are served."""
    it = Host()
    yield it
    it.close()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """The services behind the gateway."""
    async with Stage().open() as it:
        yield it


@pytest.fixture
def start_gateway(host: Host, stage: Stage) -> Iterator[StartGateway]:
    """Starts a gateway; its settings can be added to: `start_gateway(NAME="value")`."""
    started = []

    def start(**settings: str) -> Function:
        addresses = dict.fromkeys(Routes.load().services, stage.address)
        given = {"UPSTREAMS": json.dumps(addresses), "GATEWAY_DEADLINE_SECONDS": "5", **settings}
        started.append(host.serve("gateway", given))
        return started[-1]

    yield start
    host.stop(*started)


@pytest.fixture
def gateway(start_gateway: StartGateway) -> str:
    """The address of a gateway."""
    return start_gateway().address


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that decodes and follows nothing by itself."""
    async with aiohttp.ClientSession(
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session
