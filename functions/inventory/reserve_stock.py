"""POST /reservations: take the lines of an order from the stock, all or none."""

import json
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
from shop.model.inventory import MOST_TOTAL
from shop.operation import Call, Reply, operation
from shop.prepared import Row
from shop.reservations import LOCK_PRODUCTS, RECALL, REFUSE, RESERVE_ONE, TAKE_LOCKED, summed

Lines = list[tuple[int, int]]


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
            row = await database.row(
                RESERVE_ONE,
                **names,
                product_id=product_id,
                quantity=quantity,
                traceparent=tracing.traceparent(),
            )
            if row is not None:
                return Reply.json(row[0])
        return await _decide_under_lock(database, names, lines)
    except UniqueViolation:
        return await _first_answer(database, names, lines)


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
    short = [
        {"product_id": p, "name": products[p][1], "requested": q, "available": products[p][3]}
        for p, q in lines
        if products[p][3] < q
    ]
    if short:
        detail = "; ".join(
            f"{s['name']}: {s['requested']} asked for, {s['available']} available" for s in short
        )
        return InsufficientStock(detail + ".", products=short)
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
