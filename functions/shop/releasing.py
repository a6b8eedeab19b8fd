"""Asking the inventory to release a cancelled order's reservation."""

import logging
from uuid import UUID

from shop.client import Client
from shop.errors import Problem

RELEASE_SECONDS = 5.0

_log = logging.getLogger(__name__)


async def release(client: Client, reservation_id: UUID) -> bool:
    """Whether the reservation is released now; releasing one twice changes nothing."""
    path = f"/reservations/{reservation_id}/release"
    try:
        status, _ = await client.post("RELEASE_STOCK_URL", path, b"", seconds=RELEASE_SECONDS)
    except Problem as problem:
        _log.warning("reservation %s is not released yet: %s", reservation_id, problem)
        return False
    if status != 200:
        _log.warning("reservation %s is not released yet: status %d", reservation_id, status)
    return status == 200
