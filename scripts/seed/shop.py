"""The two calls to the shop that seeding needs."""

import json
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from seed.catalogue import Product
from signed_in import SignedIn, SignInError

PAGE = 500
"""Products per page while looking names up: the largest that the API gives."""

TIMEOUT_S = 30.0
"""Longer than the gateway's own deadline, so that its answer is what the user reads."""


class SeedError(Exception):
    """The shop did not take a request; the message is a sentence for the user."""


class Shop:
    """A shop behind its gateway, as an async context manager.

    Every call raises `SeedError` when nothing answers or the answer is not a success.
    """

    def __init__(self, url: str, host: str | None = None) -> None:
        """`url` is the gateway's; `host`, where given, replaces the Host header."""
        self.url = url
        self._signed_in = SignedIn(url, host)
        self._products = URL(url) / "api" / "products"
        self._session = aiohttp.ClientSession(
            headers={"Host": host} if host else None,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def names(self) -> set[str]:
        """Collect the names of all products in the shop, page by page along the Link header."""
        names: set[str] = set()
        query: dict[str, str] | None = {"limit": str(PAGE)}
        while query is not None:
            try:
                async with self._session.get(self._products, params=query) as response:
                    await self._raise_for_problem(response, "GET /api/products")
                    names.update(product["name"] for product in await response.json())
                    following = response.links.get("next")
            except (aiohttp.ClientError, TimeoutError) as error:
                raise self._silent() from error
            # Only the query is taken: the link may name an origin that is not reachable from here.
            query = dict(URL(str(following["url"])).query) if following else None
        return names

    async def create(self, product: Product) -> None:
        """Create the product, under the same Idempotency-Key each time."""
        key = {"Idempotency-Key": f"seed-{product.slug}"}
        try:
            key |= self._signed_in.headers()
        except SignInError as error:
            raise SeedError(str(error)) from None
        try:
            async with self._session.post(
                self._products, json=product.request(), headers=key
            ) as response:
                await self._raise_for_problem(response, product.name)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._silent() from error

    def _silent(self) -> SeedError:
        return SeedError(
            f"No shop answers at {self.url}. Start one with `scripts/task up`, "
            "or name another in SHOP_URL."
        )

    @staticmethod
    async def _raise_for_problem(response: aiohttp.ClientResponse, what: str) -> None:
        if response.ok:
            return
        try:
            problem = json.loads(await response.read())
        except ValueError:
            problem = None
        if not isinstance(problem, dict):
            problem = {}
        reason = problem.get("detail") or problem.get("title") or response.reason
        fields = "".join(
            f"\n  {error.get('field')}: {error.get('message')}"
            for error in problem.get("errors", [])
        )
        raise SeedError(f"The shop answered {response.status} to {what}: {reason}{fields}")
