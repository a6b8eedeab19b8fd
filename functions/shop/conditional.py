"""Conditional requests (RFC 9110, section 13) on a product's ETag, `"version.stock"`.

`version` counts catalogue edits and not sales, so that an editor is told of other editors and
not of every customer.
"""

import re
from dataclasses import dataclass

from shop.errors import BadRequest

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_PARTS = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


def etag(version: int, stock: int) -> str:
    """The entity tag of a product at that version and stock."""
    return f'"{version}.{stock}"'


def not_modified(if_none_match: str | None, tag: str) -> bool:
    """Whether If-None-Match lists the tag, by weak comparison."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return tag.strip('"') in _TAG.findall(if_none_match)


@dataclass(frozen=True, slots=True)
class Expected:
    """What If-Match says that the product is; None where it does not matter."""

    version: int | None = None
    stock: int | None = None


def expected(if_match: str | None) -> Expected:
    """If-Match as the one version and stock that it names.

    A tag that is none of ours can match no product: it is read as version 0.

    Raises:
        BadRequest: it is no entity tag, or a list of several.
    """
    if if_match is None or if_match.strip() == "*":
        return Expected()
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise BadRequest('If-Match must be one entity tag, such as "3.45", or *.')
    parts = _PARTS.fullmatch(found[1])
    if parts is None or if_match.strip().startswith("W/"):
        return Expected(version=0, stock=0)
    return Expected(int(parts[1]), int(parts[2]))
