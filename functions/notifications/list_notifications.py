"""GET /notifications: a page of what was told."""

from shop.api.notifications import Notification, NotificationQuery
from shop.model.notifications import notifications
from shop.newest import newest_first
from shop.operation import Call, Reply, operation


@operation(
    "GET",
    "/notifications",
    area="notifications",
    summary="List notifications",
    access="admin",
    query=NotificationQuery,
    answer=list[Notification],
)
async def list_notifications(call: Call[None]) -> Reply:
    """Notifications, newest first, filtered by `type`."""
    return await newest_first(call, notifications)
