"""Pruning of what the inventory's and the orders' databases hold for a time."""

from datetime import timedelta

import sqlalchemy as sa

from shop.chores import Chore
from shop.model.parts import KEYS_LIVE
from shop.pruning import by_age, oldest_first, prune
from shop.settings import Settings

_OUTBOX_HOURS = 7 * 24


def pruning(outbox: sa.Table, keys: sa.Table, settings: Settings) -> list[Chore]:
    """Chores that delete published events and idempotency keys.

    `OUTBOX_RETENTION` says in hours how long a published event is kept (default 7 days).
    """
    hours = settings.integer("OUTBOX_RETENTION", _OUTBOX_HOURS, least=1, most=24 * 3650)
    events = oldest_first("prune_outbox", outbox, outbox.c.position, outbox.c.published_at)
    return [
        prune("published events", events, timedelta(hours=hours)),
        prune("idempotency keys", by_age("prune_keys", keys, keys.c.created_at), KEYS_LIVE),
    ]
