"""The shortest way from the edge to what functions-framework has registered."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

# Where the framework serves a function; its other routes are not for it.
_SERVED = "/{path:path}"


def straight_to(app: Starlette) -> App:
    """The framework's handler of the function, without the router and middlewares around it.

    The edge has admitted path and method before, an operation answers for all that it raises, and
    the layers between the two took a tenth of a read.
    """
    endpoints: list[Callable[[Request], Awaitable[Response]]] = [
        route.endpoint for route in app.routes if isinstance(route, Route) and route.path == _SERVED
    ]
    (endpoint,) = endpoints

    async def call(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return call
