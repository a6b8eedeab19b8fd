"""Pruning of what the inventory's and the orders' databases hold for a time."""

from datetime import timedelta

import sqlalchemy as sa

from shop.chores import Chore
from shop.database import Statement
from shop.model.parts import KEYS_LIVE
from shop.pruning import ROWS_AT_ONCE, cutoff, oldest_first, prune
from shop.settings import Settings


def pruning(outbox: sa.Table, keys: sa.Table, settings: Settings) -> list[Chore]:
    """Chores that delete published events and idempotency keys.

    `OUTBOX_RETENTION` says in hours how long a published event is kept (default 7 days).
    """
    hours = settings.integer("OUTBOX_RETENTION", 7 * 24, least=1, most=24 * 3650)
    events = Statement(
        "prune_outbox", oldest_first(outbox, outbox.c.position, outbox.c.published_at)
    )
    name = sa.tuple_(keys.c.account, keys.c.route, keys.c.key)
    old = (
        sa.select(keys.c.account, keys.c.route, keys.c.key)
        .where(keys.c.created_at < cutoff())
        .order_by(keys.c.created_at)
        .limit(ROWS_AT_ONCE)
    )
    forgotten = Statement("prune_keys", sa.delete(keys).where(name.in_(old)))
    return [
        prune("published events", events, timedelta(hours=hours)),
        prune("idempotency keys", forgotten, KEYS_LIVE),
    ]
