"""Forwarding a request to the function that answers it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack

import aiohttp
from multidict import CIMultiDict
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from yarl import URL

from shop.client import Client, trace_headers
from shop.errors import BadGateway, DeadlinePassed, DependencyDown, TooLarge
from shop.gateway.routes import PREFIX
from shop.trust import HEADER

# Bodies up to here are passed on in one piece; longer ones, and those of unknown length, flow.
_WHOLE = 65_536
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


async def forward(
    request: Request,
    client: Client,
    url: str,
    *,
    request_id: str,
    seconds: float,
    identity: str | None = None,
) -> Response:
    """The function's answer, streamed where it is long.

    `identity` is told to it in the place of the client's own credentials.

    `seconds` bounds the wait for the answer's head, and for each piece of its body.

    Raises:
        DependencyDown: the function cannot be reached; nothing was sent.
        BadGateway: it broke off.
        DeadlinePassed: it did not answer in time.
    """
    stack = AsyncExitStack()
    try:
        async with asyncio.timeout(seconds):
            answer = await stack.enter_async_context(
                client.session.request(
                    request.method,
                    URL(url, encoded=True),  # As the client wrote it.
                    headers=_request_headers(request, request_id, identity),
                    data=await _request_body(request),
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_read=seconds),
                )
            )
            length = answer.content_length
            if request.method == "HEAD" or (length is not None and length <= _WHOLE):
                body = await answer.read()
                await stack.aclose()
                return _response(Response(body, answer.status), answer)
    except TimeoutError as error:
        await stack.aclose()
        raise DeadlinePassed(f"The service did not answer within {seconds:g} s.") from error
    except aiohttp.ClientConnectorError as error:
        await stack.aclose()
        raise DependencyDown("The service cannot be reached.") from error
    except aiohttp.ClientError as error:
        await stack.aclose()
        if isinstance(error.__cause__, TooLarge):
            raise error.__cause__ from None
        raise BadGateway("The service broke off its answer.") from error
    except BaseException:
        await stack.aclose()
        raise
    return _response(StreamingResponse(_pieces(answer, stack), answer.status), answer)


def _request_headers(request: Request, request_id: str, identity: str | None) -> CIMultiDict[str]:
    dropped = _named_by_connection(request.headers.getlist("connection"))
    if identity is not None:
        dropped |= {"authorization"}
    headers = CIMultiDict(
        (name, value)
        for name, value in request.headers.items()
        if name not in _HOP_BY_HOP
        and name not in _OURS
        and name not in dropped
        and not name.startswith("shop-")
    )
    if request.client is not None:
        headers["X-Forwarded-For"] = request.client.host
    headers["X-Forwarded-Host"] = request.headers.get("host", "")
    headers["X-Forwarded-Proto"] = request.url.scheme
    headers["X-Forwarded-Prefix"] = PREFIX
    headers["X-Request-Id"] = request_id
    if identity is not None:
        headers[HEADER] = identity
    headers.update(trace_headers())
    if "content-length" in request.headers:  # What flows has it too: its function may refuse it.
        headers["Content-Length"] = request.headers["content-length"]
    return headers


async def _request_body(request: Request) -> bytes | AsyncIterator[bytes] | None:
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


async def _pieces(answer: aiohttp.ClientResponse, stack: AsyncExitStack) -> AsyncIterator[bytes]:
    async with stack:
        async for piece in answer.content.iter_any():
            yield piece
