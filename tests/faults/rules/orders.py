"""Keys, answers, orders and what they hold."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from tests.faults.history import CREATED, Asked, History, Lines

_CREATED = 201


def a_key_has_one_order(history: History) -> Iterator[str]:
    """However often its client asked; without a key, at most one for each request."""
    of_key = Counter(order.key for order in history.orders if order.key is not None)
    keys = {asked.key for asked in history.asked if asked.key is not None}
    for asked in history.asked:
        if asked.key is None:
            continue
        number = of_key[asked.key]
        if number > 1 or (asked.answers and number == 0):
            yield f"{asked.key} has {number} orders"
    for key in of_key.keys() - keys:
        yield f"an order belongs to {key}, which nobody used"
    stray = [order.id for order in history.orders if order.key is None]
    without = [asked for asked in history.asked if asked.key is None]
    answered = sum(asked.answers != () for asked in without)
    if not answered <= len(stray) <= len(without):
        yield f"{len(stray)} orders have no key, {answered} of {len(without)} were answered"


def a_key_has_one_answer(history: History) -> Iterator[str]:
    """A repetition is answered as the first was."""
    for asked in history.asked:
        if len(set(asked.answers)) > 1 or len(set(asked.totals)) > 1:
            yield f"{asked.key} was answered {_listed(asked.answers)} {_listed(asked.totals)}"


def nothing_unknown_stays_unknown(history: History) -> Iterator[str]:
    """Once all is healed, whoever asks again under its key is told what became of it."""
    for asked in history.asked:
        if asked.key is not None and not asked.answers:
            yield f"{asked.key} has no answer"
    for edit in history.edits:
        if edit.keyed and edit.outcome == "unknown":
            yield f"a {edit.kind} of product {edit.product} has no answer"


def an_answer_is_what_is_stored(history: History) -> Iterator[str]:
    """A confirmed order stays confirmed unless its customer cancels; a refused one stays so."""
    of_key = {order.key: order for order in history.orders if order.key is not None}
    of_id = {order.id: order for order in history.orders}
    for asked in history.asked:
        first = asked.answers[0] if asked.answers else None
        if asked.key is not None:
            order = of_key.get(asked.key)
        else:
            order = of_id.get(int(first[1])) if first and first[0] == _CREATED else None
            if order is None and first and first[0] == _CREATED:
                yield f"order {first[1]} was confirmed, and there is none"
        if order is None:
            continue
        expected = _statuses(asked)
        if order.status not in expected:
            yield f"order {order.id} is {order.status}, and its client was told {expected}"
        if first is not None and first[0] == _CREATED and first[1] != order.id:
            yield f"{asked.key} was told of order {first[1]} and has order {order.id}"


def _statuses(asked: Asked) -> tuple[str, ...]:
    if not asked.answers:
        return ("confirmed", "rejected", "cancelled")
    status, what = asked.answers[0]
    if status != _CREATED:
        return ("cancelled",) if what == "order-cancelled" else ("rejected",)
    if asked.cancelled is None:
        return ("confirmed", "cancelled")
    return ("cancelled",) if asked.cancelled else ("confirmed",)


def an_order_is_what_was_asked_for(history: History) -> Iterator[str]:
    """Products and pieces are those of the request."""
    asked_for = {asked.key: asked.lines for asked in history.asked if asked.key is not None}
    for order in history.orders:
        lines = asked_for.get(order.key) if order.key is not None else None
        if lines is not None and summed(lines) != summed(order.lines):
            yield f"order {order.id} is of {order.lines}, asked for were {lines}"


def no_order_is_on_its_way(history: History) -> Iterator[str]:
    """Each came to its end, and what a cancelled one held is known to be released."""
    for order in history.orders:
        if order.status == "pending":
            yield f"order {order.id} is pending"
        if order.status == "cancelled" and not order.released:
            yield f"order {order.id} is cancelled and not released"


def a_confirmed_order_holds_its_reservation(history: History) -> Iterator[str]:
    """One, and no other reservation is held."""
    held = {r.id: r for r in history.reservations if r.status == "held"}
    for order in history.orders:
        reservation = held.pop(order.reservation_id, None)
        if order.status != "confirmed":
            if reservation is not None:
                yield f"order {order.id} is {order.status} and holds {reservation.id}"
        elif reservation is None:
            yield f"order {order.id} is confirmed and holds no reservation"
        elif summed(reservation.lines) != summed(order.lines):
            yield f"order {order.id} is of {order.lines} and holds {reservation.lines}"
    for reservation in held.values():
        yield f"reservation {reservation.id} is held for no order"


def totals_are_exact(history: History) -> Iterator[str]:
    """To the cent: in the row, in its event, and in what its client was told."""
    told = {
        int(asked.answers[0][1]): asked.totals[0]
        for asked in history.asked
        if asked.totals and asked.answers[0][0] == _CREATED
    }
    announced = {
        int(event.aggregate_id): Decimal(str(event.data["total_price"]))
        for event in history.events
        if event.type == CREATED and "total_price" in event.data
    }
    for order in history.orders:
        if not order.confirmed or not order.prices:
            continue
        pieces = (quantity for _, quantity in order.lines)
        total = sum((p * q for p, q in zip(order.prices, pieces, strict=True)), Decimal())
        for where, said in (
            ("its row", order.total),
            ("its event", announced.get(order.id, total)),
            ("its client", told.get(order.id, total)),
        ):
            if said != total:
                yield f"order {order.id} costs {total}, and {where} says {said}"


def summed(lines: Lines) -> Lines:
    """Lines with those of one product added up, by product."""
    totals: Counter[int] = Counter()
    for product_id, quantity in lines:
        totals[product_id] += quantity
    return tuple(sorted(totals.items()))


def _listed(values: Iterable[object]) -> str:
    return " and ".join(str(value) for value in values)


RULES = (
    a_key_has_one_order,
    a_key_has_one_answer,
    nothing_unknown_stays_unknown,
    an_answer_is_what_is_stored,
    an_order_is_what_was_asked_for,
    no_order_is_on_its_way,
    a_confirmed_order_holds_its_reservation,
    totals_are_exact,
)
