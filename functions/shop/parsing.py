"""From bytes to valid values: bodies, query strings and idempotency keys."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from shop.errors import BadRequest, Invalid, UnsupportedMediaType

Model = TypeVar("Model", bound=BaseModel)

_MOST_ERRORS = 20
_UNION_MEMBER = re.compile(r"<[A-Z][A-Za-z]*>")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An Idempotency-Key, the account and route that it is scoped to, and its body's digest."""

    account: str
    route: str
    key: str
    fingerprint: str


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def json_document(content_type: str | None, body: bytes) -> Any:
    """The body as JSON, its fractional numbers as Decimal: money never is a float.

    Raises:
        UnsupportedMediaType: the body is declared as something else.
        BadRequest: the body is not JSON, or nested beyond reason.
    """
    if content_type is not None:
        media = content_type.split(";", 1)[0].strip().lower()
        if media != "application/json" and not media.endswith("+json"):
            raise UnsupportedMediaType(f"Send the body as application/json, not as {media[:100]}.")
    try:
        return json.loads(body.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
    except (ValueError, ArithmeticError):
        raise BadRequest("The body is not JSON: it holds a number that cannot be read.") from None


def validate(model: type[Model], document: Any, *, prefix: str = "") -> Model:
    """The document as the model's instance; Invalid names each field that does not hold."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        failures = error.errors(include_url=False, include_context=False, include_input=False)
        raise Invalid(
            [
                (prefix + _field(f["loc"]), f["msg"].removeprefix("Value error, "))
                for f in failures[:_MOST_ERRORS]
            ]
        ) from None


def _field(location: tuple[int | str, ...]) -> str:
    """`items.0.quantity`; the names of a union's members, in <>, are no part of the body."""
    parts = [str(part)[:100] for part in location if not _UNION_MEMBER.fullmatch(str(part))]
    return ".".join(parts) or "body"


def query(model: type[Model], query_string: bytes) -> Model:
    """The query string as the model's instance; a parameter that is given twice is refused."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50
        )
    except ValueError:
        raise BadRequest("The query string cannot be read.") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise Invalid([(name[:100], "must be given once")])
        values[name] = value
    return validate(model, values)


def idempotency_key(
    headers: Mapping[str, str], account: str, route: str, path: str, document: Any
) -> IdempotencyKey | None:
    """The request's Idempotency-Key, or None where it has none.

    The digest covers the path and the body's meaning, not its white space.

    Raises:
        BadRequest: the key is empty, or longer than 255 characters.
    """
    text = headers.get("idempotency-key")
    if text is None:
        return None
    if not 1 <= len(text) <= 255 or not text.isprintable():
        raise BadRequest("An Idempotency-Key has 1 to 255 printable characters.")
    meaning = json.dumps([path, document], sort_keys=True, default=str)
    return IdempotencyKey(
        account=account,
        route=route,
        key=text,
        fingerprint=hashlib.sha256(meaning.encode("utf-8", "surrogatepass")).hexdigest(),
    )
