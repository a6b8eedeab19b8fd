"""POST /reservations: take the lines of an order from the stock, all or none."""

import json
from collections.abc import Sequence
from decimal import Decimal

from psycopg.errors import UniqueViolation

from shop import tracing
from shop.api.products import Reservation, ReservationRequest
from shop.database import Database
from shop.errors import (
    PROBLEM_TYPE,
    InsufficientStock,
    Invalid,
    Problem,
    ProductNotFound,
    ReservationMismatch,
    ReservationReleased,
)
from shop.joining import Joining
from shop.joint_reservations import Asked, Decision, reserve_one, reserve_together
from shop.model.inventory import MOST_TOTAL
from shop.operation import Call, Reply, operation
from shop.prepared import Row
from shop.reservations import LOCK_PRODUCTS, RECALL, REFUSE, TAKE_LOCKED, summed
from shop.services import Services

Lines = list[tuple[int, int]]

_MOST_TOGETHER = 32


@operation(
    "POST",
    "/reservations",
    area="inventory",
    summary="Reserve stock",
    access="system",
    callers=("orders",),
    body=ReservationRequest,
    answer=Reservation,
    errors=(Invalid, ProductNotFound, InsufficientStock, ReservationMismatch, ReservationReleased),
    cluster_local=True,
)
async def reserve_stock(call: Call[ReservationRequest]) -> Reply:
    """Take the stock and answer with names and prices; the same UUID again, the same answer."""
    database = call.services.database
    lines = summed(call.body.items)
    names = {
        "reservation_id": call.body.reservation_id,
        "lines": json.dumps([{"product_id": p, "quantity": q} for p, q in lines]),
    }
    try:
        if len(lines) == 1:
            ((product_id, quantity),) = lines
            asked = Asked(call.body.reservation_id, quantity, tracing.traceparent())
            decision = await call.services.one(_joined).join(product_id, asked)
            if isinstance(decision, Problem):
                raise decision
            if decision is not None:
                return Reply.json(decision)
        return await _decide_under_lock(database, names, lines)
    except UniqueViolation:
        return await _first_answer(database, names, lines)


def _joined(services: Services) -> Joining[int, Asked, Decision]:
    """Reservations of one product that come while one of its is under way go together."""

    async def work(product_id: int, asked: Sequence[Asked]) -> Sequence[Decision]:
        if len(asked) > 1:
            return await reserve_together(services.database, product_id, asked)
        return [await reserve_one(services.database, product_id, asked[0])]

    most = services.settings.integer("RESERVE_TOGETHER", _MOST_TOGETHER, least=1, most=1_000)
    return Joining(work, most)


async def _decide_under_lock(database: Database, names: dict[str, object], lines: Lines) -> Reply:
    ids = [product_id for product_id, _ in lines]
    async with database.transaction() as transaction:
        locked = await transaction.rows(LOCK_PRODUCTS, ids=ids)
        refusal = _refusal(lines, {row[0]: row for row in locked})
        if refusal is None:
            (answer,) = await transaction.one(
                TAKE_LOCKED,
                **names,
                ids=ids,
                quantities=[quantity for _, quantity in lines],
                traceparent=tracing.traceparent(),
            )
            return Reply.json(answer)
        await transaction.row(
            REFUSE, **names, answer_status=refusal.status, answer=refusal.body().decode()
        )
    raise refusal


def _refusal(lines: Lines, products: dict[int, Row]) -> Problem | None:
    """Why the lines cannot be taken from these locked products, if they cannot."""
    missing = [product_id for product_id, _ in lines if product_id not in products]
    if missing:
        return ProductNotFound(
            f"There is no product {', '.join(map(str, missing))}.", product_ids=missing
        )
    short = [(p, products[p][1], q, products[p][3]) for p, q in lines if products[p][3] < q]
    if short:
        return InsufficientStock.of(short)
    if sum(products[p][2] * q for p, q in lines) > Decimal(MOST_TOTAL):
        return Invalid([("items", f"the total would exceed {MOST_TOTAL}")])
    return None


async def _first_answer(database: Database, names: dict[str, object], lines: Lines) -> Reply:
    status, stored, answer_status, answer = await database.one(
        RECALL, reservation_id=names["reservation_id"]
    )
    if status == "released":
        raise ReservationReleased("The order was cancelled before.")
    if [(line["product_id"], line["quantity"]) for line in stored] != lines:
        raise ReservationMismatch("The reservation id was used for other lines.")
    kind = "application/json" if answer_status == 200 else PROBLEM_TYPE
    return Reply(answer_status, answer.encode(), {"Content-Type": kind})
