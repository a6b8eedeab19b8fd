"""The methods of HTTP, as the clients of tests call them."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.shop import Answer


class Verbs(ABC):
    """A client that sends requests; `options` are those of its `request`."""

    @abstractmethod
    async def request(self, *arguments: Any, **options: Any) -> "Answer":
        """Send a request: its method, its path, and a body."""

    async def get(self, path: str, **options: Any) -> "Answer":
        """GET the path."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> "Answer":
        """POST to the path."""
        return await self.request("POST", path, body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> "Answer":
        """PUT to the path."""
        return await self.request("PUT", path, body, **options)

    async def delete(self, path: str, **options: Any) -> "Answer":
        """DELETE the path."""
        return await self.request("DELETE", path, **options)
