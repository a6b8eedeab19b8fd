"""A service that costs next to nothing: what stands behind the gateways that are measured."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]

_PRODUCT = (
    b'{"id":1,"name":"Laptop","description":"High-performance laptop","price":949.99,"stock":53,'
    b'"category":null,"image_url":null,"low_stock_threshold":10,'
    b'"created_at":"2026-11-23T06:18:53.283062Z","updated_at":"2026-11-23T06:18:55.212357Z"}'
)
_KEYS = os.environ.get("JWKS", "").encode()


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """The same product at every path, and the keys at theirs."""
    if scope["type"] == "lifespan":
        for state in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{state}.complete"})
        return
    body = _KEYS if scope["path"].endswith("jwks.json") else _PRODUCT
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
