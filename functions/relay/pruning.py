"""Pruning of what the inventory's and the orders' databases hold for a time."""

from datetime import timedelta

import sqlalchemy as sa

from shop.chores import Chore
from shop.instruments import AREA_PREFIX
from shop.model.parts import KEYS_LIVE
from shop.pruning import MOST_HOURS, Pruning, by_age, in_order
from shop.settings import Settings
from shop.telemetry import Telemetry

OUTBOX_HOURS = 7 * 24


def pruning(
    area: str, outbox: sa.Table, keys: sa.Table, telemetry: Telemetry, settings: Settings
) -> list[Chore]:
    """Chores that delete published events and idempotency keys.

    `OUTBOX_RETENTION` says in hours how long a published event is kept (default 7 days). How long
    a key lives is promised to clients, and no setting.
    """
    hours = settings.integer("OUTBOX_RETENTION", OUTBOX_HOURS, least=1, most=MOST_HOURS)
    prune = Pruning(telemetry, AREA_PREFIX[area])
    published = in_order(outbox, outbox.c.position, outbox.c.created_at, outbox.c.published_at)
    return [
        prune.chore(outbox, published, timedelta(hours=hours)),
        prune.chore(keys, by_age(keys, keys.c.created_at), KEYS_LIVE),
    ]
