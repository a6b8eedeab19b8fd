"""Every function with authentication on: who passes its edge, and who does not."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from shop.access import Role
from tests.support.functions import Function, Host
from tests.support.postgres import Server
from tests.support.shop import INVENTORY, Api, Shop
from tests.support.tables import Inventory, Orders
from tests.support.trust import as_if_by, claimed, identity, signer, trusting

READS = ("list_products", "get_product", "list_categories")
SYSTEM = ("reserve_stock", "release_stock")
ADMINS = ("list_notifications", "list_dead_letters")
PATHS = {
    "create_order": ("POST", "/orders"),
    "list_orders": ("GET", "/orders"),
    "get_order": ("GET", "/orders/1"),
    "cancel_order": ("POST", "/orders/1/cancel"),
    "list_products": ("GET", "/products"),
    "get_product": ("GET", "/products/1"),
    "list_categories": ("GET", "/categories"),
    "create_product": ("POST", "/products"),
    "update_product": ("PUT", "/products/1"),
    "delete_product": ("DELETE", "/products/1"),
    "receive_stock": ("POST", "/products/1/stock"),
    "reserve_stock": ("POST", "/reservations"),
    "release_stock": ("POST", "/reservations/6f2a8a5e-3d0b-4c7e-9a51-0c1d2e3f4a5b/release"),
    "list_notifications": ("GET", "/notifications"),
    "list_dead_letters": ("GET", "/dead-letters"),
}


@pytest.fixture(scope="module")
def notifications_functions(database_server: Server) -> Iterator[dict[str, Function]]:
    host = Host()
    settings = {"DATABASE_URL": database_server.urls["notifications"], **trusting()}
    yield {name: host.serve(name, settings) for name in ADMINS}
    host.close()


@pytest.fixture
def functions(
    guarded_shop: Shop,
    notifications_functions: dict[str, Function],
    inventory: Inventory,  # noqa: ARG001
    orders: Orders,  # noqa: ARG001
) -> dict[str, Function]:
    return {name: guarded_shop[name] for name in PATHS if name not in ADMINS} | dict(
        notifications_functions
    )


async def refused(
    client: aiohttp.ClientSession, functions: dict[str, Function], identity: str | None
) -> dict[int, set[str]]:
    """The functions that refuse, by the status of their refusal."""
    found: dict[int, set[str]] = {401: set(), 403: set()}
    headers = {} if identity is None else {"shop-identity": identity}
    for name, (method, path) in PATHS.items():
        url = functions[name].address + path
        async with client.request(method, url, headers=headers) as answer:
            document = await answer.read()
            if answer.status in found:
                kind = {401: b"unauthenticated", 403: b"forbidden"}[answer.status]
                assert b"/problems/" + kind in document
                assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
                found[answer.status].add(name)
            else:
                assert answer.status in (200, 404, 415), name
    return found


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


CUSTOMERS = {name for name in PATHS if name.endswith(("order", "orders"))}
EDITS = set(INVENTORY) - set(READS) - set(SYSTEM)


async def test_a_guest_reads_the_catalogue_and_nothing_else(
    client: aiohttp.ClientSession, functions: dict[str, Function]
) -> None:
    for guest in (None, identity()):
        found = await refused(client, functions, guest)
        assert found == {401: set(PATHS) - set(READS), 403: set()}


@pytest.mark.parametrize(
    ("account", "role", "by", "admitted"),
    [
        ("ada", "customer", "gateway", {*READS, *CUSTOMERS}),
        ("root", "admin", "gateway", {*READS, *CUSTOMERS, *EDITS, *ADMINS}),
        ("", "system", "orders", {*READS, *SYSTEM}),
        ("", "system", "orders-relay", set(READS)),
    ],
)
async def test_a_caller_passes_where_the_function_names_him(
    client: aiohttp.ClientSession,
    functions: dict[str, Function],
    account: str,
    role: Role,
    by: str,
    admitted: set[str],
) -> None:
    found = await refused(client, functions, identity(account, role, by))

    assert found == {401: set(), 403: set(PATHS) - admitted}


FORGED = {
    "another key": claimed(as_if_by("gateway"), role="admin"),
    "the orders' key": claimed(signer("orders"), role="admin"),
    "expired": claimed(signer("gateway"), exp=1),
    "unsigned": "eyJhbGciOiJub25lIn0.e30.",
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_identity_passes_nowhere(
    client: aiohttp.ClientSession, functions: dict[str, Function], what: str
) -> None:
    assert await refused(client, functions, FORGED[what]) == {401: set(PATHS), 403: set()}


async def test_operators_are_not_asked_who_they_are(
    client: aiohttp.ClientSession, functions: dict[str, Function]
) -> None:
    for function in functions.values():
        for path in ("/health/live", "/health/ready"):
            async with client.get(function.address + path) as answer:
                assert answer.status == 200


async def test_an_order_is_reserved_and_released_in_the_name_of_the_orders(
    guarded: Api, inventory: Inventory
) -> None:
    inventory.add(stock=5)
    created = await guarded.order(1, 2, account="ada")
    assert (created.status, inventory.stock(1)) == (201, 3)

    cancelled = await guarded.post("/orders/1/cancel", account="ada")
    assert (cancelled.status, inventory.stock(1)) == (200, 5)


async def test_settling_releases_in_the_name_of_the_orders(
    guarded: Api, inventory: Inventory, orders: Orders
) -> None:
    inventory.add(stock=5)
    await guarded.order(1, 2, account="ada")
    orders.run(
        "UPDATE orders SET status = 'cancelled', cancelled_at = now(), cancelled_by = 'system'"
    )

    assert (await guarded.settle()).status == 204
    assert inventory.stock(1) == 5
