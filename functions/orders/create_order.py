"""POST /orders: place an order and see it through."""

import json
import time
from typing import Any
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation

from shop import tracing
from shop.api.orders import NewOrder, Order
from shop.errors import (
    PROBLEM_TYPE,
    DeadlinePassed,
    DependencyDown,
    InsufficientStock,
    Internal,
    Invalid,
    KeyReused,
    OrderCancelled,
    ProductNotFound,
    ReservationMismatch,
    ReservationReleased,
)
from shop.idempotency import replay
from shop.operation import Call, Reply, operation
from shop.parsing import IdempotencyKey
from shop.saga import (
    CONFIRM,
    CONFIRM_KEYED,
    FORGET,
    PLACE,
    PLACE_KEYED,
    RECALL,
    REJECT,
    REJECT_KEYED,
    STORED,
)

RESERVE_SECONDS = 5.0
_OUTCOMES = ("confirmed", "rejected", "cancelled", "failed")
_REFUSALS = frozenset(
    problem.type
    for problem in (
        ProductNotFound, InsufficientStock, Invalid, ReservationReleased, ReservationMismatch,
    )
)  # fmt: skip


@operation(
    "POST",
    "/orders",
    area="orders",
    summary="Place an order",
    access="customer",
    body=NewOrder,
    status=201,
    answer=Order,
    errors=(Invalid, KeyReused, ProductNotFound, InsufficientStock, OrderCancelled, DependencyDown),
    keyed=True,
    calls=("RESERVE_STOCK_URL",),
    zeros=(("order_processing_duration", "outcome", _OUTCOMES),),
)
async def create_order(call: Call[NewOrder]) -> Reply:
    """Write the order down, reserve its stock, confirm it: 201, or 409 with what is short.

    The same Idempotency-Key again resumes an order that was left on its way.
    """
    began = time.perf_counter()
    outcome = "failed"
    try:
        reply = await _see_through(call)
        outcome = "confirmed" if reply.status == 201 else "rejected"
    except OrderCancelled:
        outcome = "cancelled"
        raise
    finally:
        call.services.telemetry.record(
            "order_processing_duration", time.perf_counter() - began, outcome=outcome
        )
    return reply


async def _see_through(call: Call[NewOrder]) -> Reply:
    placed = await _place(call)
    if isinstance(placed, Reply):
        return placed
    order_id, reservation_id = placed
    status, answer = await _reserve(call, order_id, reservation_id)
    if status == 200:
        return await _confirm(call, order_id, answer)
    return await _reject(call, order_id, status, answer)


async def _place(call: Call[NewOrder]) -> tuple[int, UUID] | Reply:
    """The id and reservation of the new order, or of the pending order of the call's key.

    Where the key has an answer already, that answer.
    """
    database = call.services.database
    reservation_id = uuid4()
    items = json.dumps([line.model_dump() for line in call.body.lines])
    values: dict[str, Any] = {"reservation_id": reservation_id, "items": items}
    if call.key is None:
        placed = await database.one(PLACE, **values, account=call.account)
        return placed[0], reservation_id
    scope = _scope(call.key)
    for _ in range(2):
        try:
            placed = await database.one(
                PLACE_KEYED, **values, **scope, fingerprint=call.key.fingerprint
            )
        except UniqueViolation:
            stored = await database.row(RECALL, **scope)
            if stored is None:  # The key is older than keys live.
                await database.execute(FORGET, **scope)
                continue
            fingerprint, status, headers, body, order_id, first_reservation = stored
            if fingerprint != call.key.fingerprint or status is not None:
                return replay(call.key.fingerprint, fingerprint, status, headers, body)
            return order_id, first_reservation
        return placed[0], reservation_id
    raise DependencyDown("The idempotency key is being renewed.")


async def _reserve(call: Call[NewOrder], order_id: int, reservation_id: UUID) -> tuple[int, bytes]:
    """What reserve_stock answers; the order stays pending where it does not."""
    lines = [line.model_dump() for line in call.body.lines]
    body = json.dumps({"reservation_id": str(reservation_id), "items": lines}).encode()
    call.note(order_id=order_id)
    try:
        status, answer = await call.services.client.post(
            "RESERVE_STOCK_URL", "/reservations", body, seconds=RESERVE_SECONDS
        )
    except DeadlinePassed as error:
        raise DependencyDown("The inventory did not answer in time.") from error
    if status != 200 and _reason(answer) not in _REFUSALS:
        raise DependencyDown("The inventory is not available.")
    return status, answer


def _reason(answer: bytes) -> str:
    """The type of a problem; empty where it is none: a router that finds no route says 404 too."""
    try:
        document = json.loads(answer)
    except ValueError:
        return ""
    return str(document.get("type")).rsplit("/", 1)[-1] if isinstance(document, dict) else ""


async def _confirm(call: Call[NewOrder], order_id: int, answer: bytes) -> Reply:
    location = call.url(f"/orders/{order_id}")
    keyed: dict[str, Any] = {}
    if call.key is not None:
        headers = json.dumps({"Location": location})
        keyed = {**_scope(call.key), "answer_headers": headers}
    row = await call.services.database.row(
        CONFIRM_KEYED if keyed else CONFIRM,
        id=order_id,
        answer=answer.decode(),
        traceparent=tracing.traceparent(),
        **keyed,
    )
    if row is None:
        return await _stored(call, order_id)
    return Reply.json(row[0], 201, Location=location)


async def _reject(call: Call[NewOrder], order_id: int, status: int, answer: bytes) -> Reply:
    reason = _reason(answer)
    if reason == ReservationReleased.type:  # Only a cancel releases: the row says so.
        return await _stored(call, order_id)
    if reason == ReservationMismatch.type:
        raise Internal
    problem = json.dumps({**json.loads(answer), "order_id": order_id}, ensure_ascii=False)
    keyed: dict[str, Any] = {}
    if call.key is not None:
        headers = json.dumps({"Content-Type": PROBLEM_TYPE})
        keyed = {**_scope(call.key), "answer_headers": headers, "answer_status": status}
    row = await call.services.database.row(
        REJECT_KEYED if keyed else REJECT,
        id=order_id,
        problem=problem,
        reason=reason,
        traceparent=tracing.traceparent(),
        **keyed,
    )
    if row is None:
        return await _stored(call, order_id)
    return Reply(status, problem.encode(), {"Content-Type": PROBLEM_TYPE})


async def _stored(call: Call[NewOrder], order_id: int) -> Reply:
    """The answer of an order that somebody else has brought on meanwhile."""
    stored = await call.services.database.one(STORED, id=order_id)
    status, document, rejection, *_ = stored
    if status == "confirmed":
        return Reply.json(document, 201, Location=call.url(f"/orders/{order_id}"))
    if status == "rejected":
        answer = json.loads(rejection)
        return Reply(answer["status"], rejection.encode(), {"Content-Type": PROBLEM_TYPE})
    if status == "cancelled":
        raise OrderCancelled(f"Order {order_id} was cancelled on its way.", order_id=order_id)
    raise DependencyDown("The order is still on its way.")


def _scope(key: IdempotencyKey) -> dict[str, str]:
    return {"account": key.account, "route": key.route, "key": key.key}
