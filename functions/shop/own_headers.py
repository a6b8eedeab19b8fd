"""What the edge itself reads of a request's headers."""

import re
from typing import NamedTuple

_REQUEST_ID = re.compile(r"[\x21-\x7e]{0,128}")


class Own(NamedTuple):
    """What the edge itself reads of a request's headers."""

    traceparent: str | None
    request_id: str | None
    length: bytes | None
    identity: str | None
    due: bytes | None


def own_headers(headers: list[tuple[bytes, bytes]]) -> Own:
    """Find them in one pass over the headers as ASGI brings them."""
    request_id = header = event_header = length = identity = due = None
    for name, value in headers:
        if name == b"traceparent":
            header = value.decode("latin-1")
        elif name == b"ce-traceparent":
            event_header = value.decode("latin-1")
        elif name == b"x-request-id":
            request_id = _REQUEST_ID.match(value.decode("latin-1"))[0]  # type: ignore[index]
        elif name == b"content-length":
            length = value
        elif name == b"shop-identity":
            identity = value.decode("latin-1")
        elif name == b"shop-deadline":
            due = value
    traceparent = _of_event(event_header, header) if event_header else header
    return Own(traceparent, request_id, length, identity, due)


def _of_event(produced: str, delivered: str | None) -> str:
    """What an event goes on with: its delivery's span, where that belongs to its own trace."""
    if delivered and delivered[:35] == produced[:35] and delivered[-2:] == produced[-2:]:
        return delivered
    return produced
