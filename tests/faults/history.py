"""All that can be known of a run afterwards: what clients saw, and what is stored.

Times are seconds of one monotonic clock. What a client never had an answer to has an unknown
outcome: it may have happened, or not, or be still to happen when the client has gone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

CREATED = "com.shophub.order.created.v1"
REJECTED = "com.shophub.order.rejected.v1"
CANCELLED = "com.shophub.order.cancelled.v1"
NEW = "com.shophub.product.created.v1"
UPDATED = "com.shophub.product.updated.v1"
LOW = "com.shophub.product.stock_low.v1"
DELETED = "com.shophub.product.deleted.v1"

Outcome = Literal["ok", "fail", "unknown"]
Lines = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as its client saw it.

    `answers` are the final answers to its key, (status, order id or problem type), the first
    and those to repetitions; none where the client gave up. `totals` are what the answers said
    that it costs. `cancelled` tells whether a cancel was acknowledged, and is None where one was
    sent and never answered. An order without a key has had one attempt.
    """

    key: str | None
    lines: Lines
    answers: tuple[tuple[int, int | str], ...]
    cancelled: bool | None = False
    began: float = 0.0
    ended: float = math.inf
    totals: tuple[Decimal, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Whether it was confirmed, refused, or never answered."""
        if not self.answers:
            return "unknown"
        return "ok" if self.answers[0][0] == 201 else "fail"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a client did to a product: a restock of `value` pieces, a count of `value`, a price
    in cents, or a deletion. No two prices of a product are the same in a run."""  # noqa: D205, D209

    kind: Literal["restock", "count", "price", "delete"]
    product: int
    value: int
    outcome: Outcome
    began: float = 0.0
    ended: float = math.inf
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What an answer said of a product; None where it said nothing of it."""

    product: int
    began: float
    ended: float
    stock: int | None = None
    version: int | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderSight:
    """What an answer said of an order."""

    order: int
    began: float
    ended: float
    status: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the newest orders: (id, status) each; `full` where more would follow."""

    began: float
    ended: float
    orders: tuple[tuple[int, str], ...]
    full: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A row of orders. `confirmed` says whether it ever was, `released` that it is stamped so."""

    id: int
    reservation_id: str
    status: str
    lines: Lines
    confirmed: bool
    released: bool
    key: str | None
    prices: tuple[Decimal, ...] = ()
    total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A row of reservations."""

    id: str
    status: str
    lines: Lines


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the ledger."""

    change: int
    reason: str
    reservation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A row of products, with its movements in the order of their commits."""

    id: int
    stock: int
    threshold: int
    movements: tuple[Movement, ...]
    price: Decimal = Decimal(1)
    version: int = 1
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A row of an outbox."""

    topic: str
    position: int
    id: str
    type: str
    aggregate_id: str
    published: bool
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic; `content` is all of it that its readers see."""

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is known of a run.

    `notified` and `dead` hold ids of events; `poison` those that were sent to be refused.
    `unanswered` counts requests with a key that had no answer after healing either. `tally` and
    `delivered` are what the exact metrics are read from, `told` what they should be.
    """

    asked: Sequence[Asked]
    orders: Sequence[Order]
    reservations: Sequence[Reservation]
    products: Sequence[Product]
    events: Sequence[Event]
    records: Sequence[Record]
    notified: Sequence[str]
    dead: Sequence[str] = ()
    tally: Mapping[str, int] = field(default_factory=dict)
    edits: Sequence[Edit] = ()
    sights: Sequence[Sight] = ()
    order_sights: Sequence[OrderSight] = ()
    pages: Sequence[Page] = ()
    poison: Sequence[str] = ()
    notified_types: Mapping[str, int] = field(default_factory=dict)
    delivered: Mapping[str, int] = field(default_factory=dict)
