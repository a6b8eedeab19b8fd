"""POST /reservations/{uuid}/release: give back what a reservation took."""

from uuid import UUID

from shop import tracing
from shop.api.products import Release
from shop.errors import DependencyDown
from shop.operation import Call, Reply, operation
from shop.reservations import RECALL, RELEASE, TOMBSTONE


@operation(
    "POST",
    "/reservations/{uuid}/release",
    area="inventory",
    summary="Release a reservation",
    access="system",
    callers=("orders",),
    answer=Release,
    cluster_local=True,
)
async def release_stock(call: Call[None]) -> Reply:
    """Give the stock back, once; the same UUID again changes nothing.

    A UUID that was never reserved leaves a tombstone, so that a reserve which is still on its
    way is refused when it arrives.
    """
    reservation_id = call.uuid
    database = call.services.database
    for _ in range(3):
        row = await database.row(
            RELEASE, reservation_id=reservation_id, traceparent=tracing.traceparent()
        )
        if row is not None:
            return _released(reservation_id, row[0])
        if await database.row(TOMBSTONE, reservation_id=reservation_id) is not None:
            return _released(reservation_id, "[]")
        recalled = await database.row(RECALL, reservation_id=reservation_id)
        # Held: it was reserved between the first look and the tombstone. Look again.
        if recalled is not None and recalled[0] != "held":
            return _released(reservation_id, "[]")
    raise DependencyDown("The reservation changes too fast.")


def _released(reservation_id: UUID, lines: str) -> Reply:
    return Reply.json(
        f'{{"reservation_id": "{reservation_id}", "status": "released", "items": {lines}}}'
    )
