"""All that can be known of a run afterwards: what clients were told, and what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CREATED = "com.shophub.order.created.v1"
REJECTED = "com.shophub.order.rejected.v1"
CANCELLED = "com.shophub.order.cancelled.v1"
LOW = "com.shophub.product.stock_low.v1"

Lines = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as its client saw it.

    `answers` are the final answers to its key, (status, order id or problem type), the first
    and those to repetitions; none where the client gave up. `cancelled` tells whether a cancel
    was acknowledged, and is None where one was sent and never answered.
    """

    key: str
    lines: Lines
    answers: tuple[tuple[int, int | str], ...]
    cancelled: bool | None = False


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


@dataclass(frozen=True, slots=True)
class Reservation:
    """A row of reservations."""

    id: str
    status: str
    lines: Lines


@dataclass(frozen=True, slots=True)
class Product:
    """A row of products, with its movements in the order of their commits."""

    id: int
    initial: int
    stock: int
    threshold: int
    movements: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A row of an outbox."""

    topic: str
    position: int
    id: str
    type: str
    aggregate_id: str
    published: bool


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
    """Everything that is known of a run. `notified` and `dead` hold ids of events."""

    asked: Sequence[Asked]
    orders: Sequence[Order]
    reservations: Sequence[Reservation]
    products: Sequence[Product]
    events: Sequence[Event]
    records: Sequence[Record]
    notified: Sequence[str]
    dead: Sequence[str] = ()
    tally: Mapping[str, int] = field(default_factory=dict)
