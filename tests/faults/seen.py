"""What clients send, and what they saw in the answers."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf

import aiohttp

from tests.faults.history import Asked, Edit, Lines, OrderSight, Outcome, Page, Sight
from tests.support.live import Client
from tests.support.shop import Answer

_TRY_AGAIN = frozenset((502, 503, 504))
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


@dataclass(slots=True)
class Seen:
    """Everything that clients saw.

    `confirmed` are orders that were confirmed, `last_confirmed` when the last one was, `repeated`
    how many requests were sent again, by what they had been answered.
    """

    asked: list[Asked] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    order_sights: list[OrderSight] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    last_confirmed: float = 0.0
    repeated: Counter[str] = field(default_factory=Counter)

    def note_order(self, answer: Answer, began: float, ended: float) -> None:
        """Take what an answer to an order says of it, or of the stock."""
        if answer.status == 201:
            self.last_confirmed = ended
        if "Idempotent-Replayed" in answer.headers:
            return  # It says what was true at first.
        if answer.status == 201:
            order_id = int(answer.json["id"])
            self.order_sights.append(OrderSight(order_id, began, ended, "confirmed"))
            self.confirmed.append(order_id)
        elif answer.problem == "insufficient-stock":
            self.sights += [
                Sight(product["product_id"], began, ended, stock=product["available"])
                for product in answer.json["products"]
            ]

    def note_product(self, answer: Answer, began: float, ended: float) -> None:
        """Take what an answer says of a product."""
        version, stock = answer.headers["ETag"].strip('"').split(".")
        product, price = answer.json["id"], Decimal(answer.json["price"])
        assert answer.json["stock"] == int(stock), answer
        self.sights.append(Sight(product, began, ended, int(stock), int(version), price))

    async def insist(
        self, client: Client, path: str, key: str, body: object, patience: float
    ) -> Answer | None:
        """The final answer to a request with a key, or None where `patience` seconds had none."""
        deadline = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                answer = await client.post(path, body, key=key)
            except (aiohttp.ClientError, TimeoutError):
                answer = None
            if answer is not None and answer.status not in _TRY_AGAIN:
                return answer
            if time.monotonic() > deadline:
                return None
            self.repeated[_told(answer)] += 1
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.6)


def _told(answer: Answer | None) -> str:
    """Why a request has to be sent again."""
    if answer is None:
        return "no answer"
    return f"{answer.status} {answer.body[:200].decode(errors='replace')}"


@dataclass(frozen=True, slots=True)
class Restock:
    """A delivery that is to be answered, if not now then after healing."""

    product: int
    quantity: int
    key: str
    began: float

    def edit(self, outcome: Outcome, ended: float = inf) -> Edit:
        """What became of it."""
        return Edit("restock", self.product, self.quantity, outcome, self.began, ended, keyed=True)


async def once(
    client: Client, method: str, path: str, body: object, headers: dict[str, str] | None = None
) -> Answer | None:
    """The answer to a request without a key; None where there was none, or one that leaves it open.

    It is not sent again: whoever did would do it twice.
    """
    try:
        answer = await client.request(method, path, body, headers=headers)
    except (aiohttp.ClientError, TimeoutError):
        return None
    return None if answer.status >= 500 else answer


def outcome(answer: Answer | None) -> Outcome:
    """What an answer says of its request."""
    if answer is None:
        return "unknown"
    return "ok" if answer.status < 300 else "fail"


def order_body(lines: Lines) -> object:
    """The request of an order; one line has a form of its own."""
    items = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]
    return items[0] if len(items) == 1 else {"items": items}


def asked_for(
    key: str | None, lines: Lines, answers: list[Answer], began: float, ended: float
) -> Asked:
    """What counts of the answers: the order that each confirms, or why there is none."""
    told: list[tuple[int, int | str]] = []
    totals: list[Decimal] = []
    for answer in answers:
        if answer.status == 201:
            told.append((201, int(answer.json["id"])))
            totals.append(Decimal(answer.json["total_price"]))
        else:
            told.append((answer.status, answer.problem))
    return Asked(key, lines, tuple(told), began=began, ended=ended, totals=tuple(totals))
