"""Forwarding a request to the function that answers it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from yarl import URL

from shop import deadlines
from shop.client import Client, trace_headers
from shop.errors import BadGateway, DeadlinePassed, DependencyDown, TooLarge
from shop.gateway.routes import PREFIX
from shop.trust import HEADER

# Bodies up to here are passed on in one piece; longer ones, and those of unknown length, flow.
_WHOLE = 65_536
_LONGEST_SECONDS = 3600.0
_HOP_BY_HOP = frozenset(
    (
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    )
)  # fmt: skip
# Set here, so that no client can say who it is or where it comes from.
_OURS = frozenset(
    (
        "host", "content-length", "expect", "forwarded", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-prefix", "x-forwarded-proto", "x-request-id", "traceparent",
        "function-execution-id",
    )
)  # fmt: skip


class Unreachable(DependencyDown):
    """No connection could be made, so that nothing was sent."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A request on its way: where to, with which body, and from whom.

    `identity` is told to the function in the place of the client's own credentials.
    """

    request: Request
    body: bytes | AsyncIterator[bytes] | None
    url: str
    request_id: str
    address: str
    scheme: str
    identity: str | None = None

    @property
    def flows(self) -> bool:
        """Whether the body is passed on while it comes, and so only once."""
        return not isinstance(self.body, bytes | None)


async def forward(client: Client, sent: Forwarded, stack: AsyncExitStack) -> Response:
    """The function's answer, streamed where it is long; the stack is closed when it has ended.

    The task's deadline bounds the wait for the answer's head, and for each piece of its body.

    Raises:
        Unreachable: the function cannot be reached.
        BadGateway: it broke off.
        DeadlinePassed: it did not answer in time.
    """
    request = sent.request
    try:
        seconds = deadlines.left() or 0.0
        async with asyncio.timeout(seconds):
            answer = await stack.enter_async_context(
                client.session.request(
                    request.method,
                    URL(sent.url, encoded=True),  # As the client wrote it.
                    headers=_request_headers(sent),
                    data=sent.body,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_read=seconds),
                )
            )
            length = answer.content_length
            if request.method == "HEAD" or (length is not None and length <= _WHOLE):
                body = await answer.read()
                await stack.aclose()
                return _response(Response(body, answer.status), answer)
        return _response(_Flowing(answer, stack), answer)
    except TimeoutError as error:
        await stack.aclose()
        raise DeadlinePassed("The service did not answer in time.") from error
    except aiohttp.ClientConnectorError as error:
        await stack.aclose()
        raise Unreachable("The service cannot be reached.") from error
    except aiohttp.ClientError as error:
        await stack.aclose()
        if isinstance(error.__cause__, TooLarge):
            raise error.__cause__ from None
        raise BadGateway("The service broke off its answer.") from error
    except BaseException:
        await stack.aclose()
        raise


async def drop(response: Response) -> None:
    """Leave an answer that is not passed on: one that flows holds its place at the service."""
    if isinstance(response, _Flowing):
        await response.leave()


def _request_headers(sent: Forwarded) -> CIMultiDict[str]:
    request = sent.request
    dropped = _named_by_connection(request.headers.getlist("connection"))
    if sent.identity is not None:
        dropped |= {"authorization"}
    headers = CIMultiDict(
        (name, value)
        for name, value in request.headers.items()
        if name not in _HOP_BY_HOP
        and name not in _OURS
        and name not in dropped
        and not name.startswith("shop-")
    )
    headers["X-Forwarded-For"] = sent.address
    headers["X-Forwarded-Host"] = request.headers.get("host", "")
    headers["X-Forwarded-Proto"] = sent.scheme
    headers["X-Forwarded-Prefix"] = PREFIX
    headers["X-Request-Id"] = sent.request_id
    if sent.identity is not None:
        headers[HEADER] = sent.identity
    headers.update(trace_headers())
    headers.update(deadlines.header(deadlines.within(_LONGEST_SECONDS)))
    if "content-length" in request.headers:  # What flows has it too: its function may refuse it.
        headers["Content-Length"] = request.headers["content-length"]
    return headers


async def request_body(request: Request) -> bytes | AsyncIterator[bytes] | None:
    """The request's body, gathered where it is short."""
    length = request.headers.get("content-length")
    if length is None and "transfer-encoding" not in request.headers:
        return None
    if length is not None and int(length) <= _WHOLE:
        return await request.body()
    return request.stream()


def _response(response: Response, answer: aiohttp.ClientResponse) -> Response:
    dropped = _named_by_connection(answer.headers.getall("connection", []))
    streamed = isinstance(response, StreamingResponse)
    kept = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers.items()
        if name.lower() not in _HOP_BY_HOP
        and name.lower() not in dropped
        and name.lower() not in ("x-request-id", "date", "server")
    ]
    if not streamed and not any(name == b"content-length" for name, _ in kept):
        kept += [item for item in response.raw_headers if item[0] == b"content-length"]
    response.raw_headers = kept
    return response


def _named_by_connection(values: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for value in values for name in value.split(","))


class _Flowing(StreamingResponse):
    """An answer that is passed on while it comes; what it holds is left however it ends."""

    def __init__(self, answer: aiohttp.ClientResponse, stack: AsyncExitStack) -> None:
        super().__init__(answer.content.iter_any(), answer.status)
        self._stack = stack

    async def leave(self) -> None:
        """Give up what it holds, without sending it."""
        await self._stack.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        async with self._stack:
            await super().__call__(scope, receive, send)
