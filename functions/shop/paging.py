"""Pages of a list: a bounded `limit`, an opaque `after` cursor, the next page in a Link header.

A cursor holds the sort key of the last row that was shown, so that a page costs the same at
any depth and rows that come or go meanwhile shift nothing.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import BeforeValidator, Field
from starlette.requests import Request

from shop.api.fields import MOST_BIGINT, Strict
from shop.errors import Invalid

MOST_ROWS = 500
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def _number(text: object) -> object:
    if isinstance(text, str):
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise ValueError(f"must be a whole number from 1 to {MOST_ROWS}")
        return int(text)
    return text


class Page(Strict):
    """Which page of a list; a list's own query model adds its filters."""

    limit: Annotated[
        int, Field(ge=1, le=MOST_ROWS, description="Rows of the page."), BeforeValidator(_number)
    ] = 50
    after: Annotated[
        str | None,
        Field(max_length=2_000, description="The cursor of the `Link` header with rel=next."),
    ] = None


def encode_cursor(*values: int | str | Decimal) -> str:
    """The sort key of a page's last row as an opaque text that is safe in a URL."""
    document = json.dumps([str(v) if isinstance(v, Decimal) else v for v in values])
    return base64.urlsafe_b64encode(document.encode()).rstrip(b"=").decode()


def decode_cursor(text: str, types: Sequence[type[int | str | Decimal]]) -> tuple[Any, ...]:
    """The values of a cursor, one of each type.

    Raises:
        Invalid: the text is no cursor, or one of a list that is sorted otherwise.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        values = iter(json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)))
        return tuple(_decoded(value, kind) for value, kind in zip(values, types, strict=True))
    except (TypeError, ValueError, InvalidOperation, RecursionError):
        raise Invalid([("after", "is not a cursor of this list")]) from None


def _decoded(value: object, kind: type[int | str | Decimal]) -> int | str | Decimal:
    if kind is int and type(value) is int and abs(value) <= MOST_BIGINT:
        return value
    if kind is str and isinstance(value, str) and "\x00" not in value:
        value.encode()
        return value
    if kind is Decimal and isinstance(value, str) and len(value) <= 40:
        amount = Decimal(value)
        if amount.is_finite() and abs(amount.adjusted()) <= 20:
            return amount
    raise ValueError


def forwarded_prefix(headers: Mapping[str, str]) -> str:
    """The prefix under which the gateway forwards, such as `/api`; empty without one."""
    prefix = headers.get("x-forwarded-prefix", "").rstrip("/")
    return prefix if _PREFIX.fullmatch(prefix) else ""


def next_link(request: Request, after: str) -> str:
    """The Link header that names the next page, as the client would ask for it.

    The target keeps the request's other parameters. It is relative to the host, and begins
    with the prefix under which the gateway forwards (`X-Forwarded-Prefix`).
    """
    prefix = forwarded_prefix(request.headers)
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([*((n, v) for n, v in given if n != "after"), ("after", after)])
    return f'<{prefix}{quote(request.scope["path"])}?{query}>; rel="next"'
