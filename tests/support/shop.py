"""The inventory's and the orders' functions together, and a client that knows where they are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import aiohttp
from yarl import URL

from shop.access import Role
from shop.errors import NotFound
from tests.support import trust
from tests.support.functions import Function, Host
from tests.support.postgres import Server
from tests.support.verbs import Verbs

INVENTORY = (
    "list_products", "get_product", "list_categories", "create_product", "update_product",
    "delete_product", "receive_stock", "reserve_stock", "release_stock",
)  # fmt: skip
ORDERS = ("create_order", "list_orders", "get_order", "cancel_order", "settle_orders")


class Shop:
    """Both areas, connected as they are deployed; served until `close`."""

    def __init__(self, server: Server, *, guarded: bool = False) -> None:
        """Where it is `guarded`, authentication is on."""
        self.host = Host()
        self._server = server
        self._guarded = guarded
        self._functions: dict[str, Function] = {}
        self._in_place_of: dict[str, Function] = {}
        try:
            for name in (*INVENTORY, *ORDERS):
                self._functions[name] = self.host.serve(name, self.settings_of(name))
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> Function:
        """A function by name; the one in its place where there is one."""
        return self._in_place_of.get(name) or self._functions[name]

    def settings_of(self, name: str, **others: str) -> dict[str, str]:
        """The environment of a function: its database, and whom it calls."""
        area = "inventory" if name in INVENTORY else "orders"
        settings = {"DATABASE_URL": self._server.urls[area]}
        if area == "orders":
            settings["RESERVE_STOCK_URL"] = self["reserve_stock"].address
            settings["RELEASE_STOCK_URL"] = self["release_stock"].address
        if self._guarded:
            settings |= trust.trusting("orders" if area == "orders" else None)
        return settings | others

    def replace(self, name: str, **settings: str) -> Function:
        """Put another instance of a function in its place, until `restore`."""
        function = self.host.serve(name, self.settings_of(name, **settings))
        self._in_place_of[name] = function
        return function

    def restore(self) -> None:
        """Stop what was put in place of others."""
        self.host.stop(*self._in_place_of.values())
        self._in_place_of.clear()

    def find(self, method: str, path: str) -> Function:
        """The function that a request goes to: the one with that path and, if any, that method."""
        found = [
            self[name]
            for name in self._functions
            if name != "settle_orders" and self[name].operation.match(path) is not None
        ]
        if not found:
            raise NotFound(path)
        return next((f for f in found if method in f.operation.methods), found[0])

    def close(self) -> None:
        """Stop all of them."""
        self.host.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """A function's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, its fractional numbers as Decimal."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def problem(self) -> str:
        """The problem's type, without its prefix."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = self.json
        assert document["status"] == self.status
        assert document.keys() >= {"type", "title", "status", "detail"}
        return str(document["type"]).removeprefix("/problems/")

    @property
    def problem_or_none(self) -> str | None:
        """The problem's type, or None where the answer is none."""
        return self.problem if self.status >= 400 else None

    @property
    def fields(self) -> list[str]:
        """The fields that a 422 names."""
        assert (self.status, self.problem) == (422, "invalid"), self
        assert all(error["message"] for error in self.json["errors"])
        return [error["field"] for error in self.json["errors"]]

    @property
    def next(self) -> str | None:
        """The path of the next page, as the Link header names it."""
        link = self.headers.get("link")
        if link is None:
            return None
        target, _, relation = link.partition(">; ")
        assert relation == 'rel="next"'
        return target.removeprefix("<")


class Api(Verbs):
    """A client of the functions."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send bytes, a stream, or anything else as JSON, to an absolute URL."""
        given = dict(headers or {})
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "__aiter__"):
            body = json.dumps(body, default=_plain).encode()
        if body is not None:
            given.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, URL(url, encoded=True), data=body, headers=given, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        account: str | None = None,
        role: Role = "customer",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request to the function that has its path, as an account where one is named."""
        given = dict(headers or {})
        if key is not None:
            given["Idempotency-Key"] = key
        if account is not None:
            given["shop-identity"] = trust.identity(account, role)
        address = self.shop.find(method, path.partition("?")[0]).address
        return await self.send(method, address + path, body=body, headers=given)

    async def order(self, product_id: int, quantity: int = 1, **options: Any) -> Answer:
        """Order pieces of one product."""
        return await self.post(
            "/orders", {"product_id": product_id, "quantity": quantity}, **options
        )

    async def reserve(self, reservation_id: object, lines: Sequence[tuple[int, int]]) -> Answer:
        """Reserve (product, quantity) lines."""
        items = [{"product_id": p, "quantity": q} for p, q in lines]
        body = {"reservation_id": str(reservation_id), "items": items}
        return await self.post("/reservations", body)

    async def release(self, reservation_id: object) -> Answer:
        """Release a reservation."""
        return await self.post(f"/reservations/{reservation_id}/release")

    async def settle(self) -> Answer:
        """Let settle_orders do its work, as PingSource does."""
        return await self.send(
            "POST",
            self.shop["settle_orders"].address + "/",
            body={},
            headers={
                "ce-specversion": "1.0",
                "ce-id": str(uuid4()),
                "ce-type": "dev.knative.sources.ping",
                "ce-source": "/apis/v1/namespaces/shop/pingsources/settle-orders",
            },
        )

    async def pages(self, path: str) -> list[list[Any]]:
        """Every page from this one on, by their Link headers."""
        found = []
        following: str | None = path
        while following is not None:
            answer = await self.get(following)
            assert answer.status == 200, answer
            found.append(answer.json)
            following = answer.next
        return found


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)
