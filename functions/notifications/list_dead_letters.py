"""GET /dead-letters: a page of the events that could not be handled."""

from shop.api.notifications import DeadLetter, DeadLetterQuery
from shop.model.notifications import dead_letters
from shop.newest import newest_first
from shop.operation import Call, Reply, operation


@operation(
    "GET",
    "/dead-letters",
    area="notifications",
    summary="List dead letters",
    access="admin",
    query=DeadLetterQuery,
    answer=list[DeadLetter],
)
async def list_dead_letters(call: Call[None]) -> Reply:
    """Dead letters, newest first, filtered by `type`."""
    return await newest_first(call, dead_letters)
