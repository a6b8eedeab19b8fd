"""Notifications and dead letters, as they are read."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from shop.api.fields import Text
from shop.paging import Page

Type = Literal[
    "product.created",
    "product.updated",
    "product.stock_low",
    "product.deleted",
    "order.created",
    "order.rejected",
    "order.cancelled",
]


class Notification(BaseModel):
    """What was told of an event."""

    id: int
    type: Annotated[Type, Field(description="The event's type, without prefix and version.")]
    title: Annotated[str, Field(examples=["📦 New product added"])]
    message: Annotated[str, Field(examples=["Laptop: 50 in stock at 999.99"])]
    source: Annotated[str, Field(description="Where the event came from.")]
    event_id: Annotated[str, Field(description="With its source, the event's identity.")]
    subject: Annotated[str, Field(description="What it tells of.", examples=["products/1"])]
    created_at: datetime
    delivered_at: Annotated[
        datetime | None, Field(description="When every channel had it; null while one has not.")
    ]


class NotificationQuery(Page):
    """Which notifications."""

    type: Type | None = None


class DeadLetter(BaseModel):
    """An event that could not be handled."""

    id: int
    type: Annotated[str, Field(description="The CloudEvents type, in full.")]
    source: str
    event_id: str
    subject: str
    destination: Annotated[str, Field(description="The address that did not take it.")]
    error_code: Annotated[int | None, Field(description="The HTTP status that it answered.")]
    error: Annotated[str | None, Field(description="The beginning of what it answered.")]
    attributes: Annotated[dict[str, Any], Field(description="All context attributes.")]
    data: Annotated[str, Field(description="The event's data as it came.")]
    data_is_base64: Annotated[bool, Field(description="Whether `data` is base64: it is no text.")]
    verified: Annotated[
        bool | None,
        Field(description="Whether its source signed it; null where authentication was off."),
    ]
    received_at: datetime
    replayed_at: Annotated[
        datetime | None, Field(description="When it was last published again; null if it was not.")
    ]


class DeadLetterQuery(Page):
    """Which dead letters."""

    type: Annotated[
        Text | None, Field(max_length=500, description="The CloudEvents type, in full.")
    ] = None
