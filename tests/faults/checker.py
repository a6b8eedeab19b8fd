"""What must hold of a shop, whatever was killed while it took orders.

`check` compares everything that is known of a run with everything else, and returns each
difference; a shop that lost nothing and did nothing twice has none. It reads nothing itself,
so that it can be shown histories that are broken, and a run of days as well as one of seconds.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.faults.history import (
    CANCELLED,
    CREATED,
    LOW,
    REJECTED,
    Asked,
    History,
    Lines,
    Product,
    Record,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not hold, and by which rule."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def check(history: History) -> list[Difference]:
    """Every difference, by rule; an empty list where all is as it must be."""
    return [Difference(rule.__name__, what) for rule in RULES for what in rule(history)]


def a_key_has_one_order(history: History) -> Iterator[str]:
    """However often its client asked."""
    of_key = Counter(order.key for order in history.orders if order.key is not None)
    for asked in history.asked:
        number = of_key[asked.key]
        if number > 1 or (asked.answers and number == 0):
            yield f"{asked.key} has {number} orders"
    for order in history.orders:
        if order.key is None:
            yield f"order {order.id} belongs to no key"


def a_key_has_one_answer(history: History) -> Iterator[str]:
    """A repetition is answered as the first was."""
    for asked in history.asked:
        if len(set(asked.answers)) > 1:
            yield f"{asked.key} was answered {_listed(asked.answers)}"


def an_answer_is_what_is_stored(history: History) -> Iterator[str]:
    """A confirmed order stays confirmed unless its customer cancels; a refused one stays so."""
    of_key = {order.key: order for order in history.orders}
    for asked in history.asked:
        order = of_key.get(asked.key)
        if order is None:
            continue
        expected = _statuses(asked)
        if order.status not in expected:
            yield f"order {order.id} is {order.status}, and its client was told {expected}"
        first = asked.answers[0] if asked.answers else None
        if first is not None and first[0] == 201 and first[1] != order.id:
            yield f"{asked.key} was told of order {first[1]} and has order {order.id}"


def _statuses(asked: Asked) -> tuple[str, ...]:
    if not asked.answers:
        return ("confirmed", "rejected", "cancelled")
    status, what = asked.answers[0]
    if status != 201:
        return ("cancelled",) if what == "order-cancelled" else ("rejected",)
    if asked.cancelled is None:
        return ("confirmed", "cancelled")
    return ("cancelled",) if asked.cancelled else ("confirmed",)


def an_order_is_what_was_asked_for(history: History) -> Iterator[str]:
    """Products and pieces are those of the request."""
    asked_for = {asked.key: asked.lines for asked in history.asked}
    for order in history.orders:
        lines = asked_for.get(order.key) if order.key is not None else None
        if lines is not None and _summed(lines) != _summed(order.lines):
            yield f"order {order.id} is of {order.lines}, asked for were {lines}"


def no_order_is_on_its_way(history: History) -> Iterator[str]:
    """Each came to its end, and what a cancelled one held is known to be released."""
    for order in history.orders:
        if order.status == "pending":
            yield f"order {order.id} is pending"
        if order.status == "cancelled" and not order.released:
            yield f"order {order.id} is cancelled and not released"


def stock_is_what_is_not_sold(history: History) -> Iterator[str]:
    """Nothing is sold twice, and nothing is kept back."""
    sold: Counter[int] = Counter()
    for order in history.orders:
        if order.status == "confirmed":
            sold.update(dict(_summed(order.lines)))
    for product in history.products:
        expected = product.initial - sold[product.id]
        if product.stock != expected:
            yield (
                f"product {product.id} has {product.stock} in stock; "
                f"{product.initial} - {sold[product.id]} sold = {expected}"
            )
        if product.stock < 0:
            yield f"product {product.id} has {product.stock} in stock"


def stock_is_the_sum_of_its_movements(history: History) -> Iterator[str]:
    """The ledger is the stock's whole past."""
    for product in history.products:
        total = sum(product.movements)
        if total != product.stock:
            yield f"product {product.id} has {product.stock} in stock, its ledger says {total}"


def a_confirmed_order_holds_its_reservation(history: History) -> Iterator[str]:
    """And no other reservation is held."""
    held = {r.id: r for r in history.reservations if r.status == "held"}
    for order in history.orders:
        reservation = held.pop(order.reservation_id, None)
        if order.status != "confirmed":
            if reservation is not None:
                yield f"order {order.id} is {order.status} and holds {reservation.id}"
        elif reservation is None:
            yield f"order {order.id} is confirmed and holds no reservation"
        elif _summed(reservation.lines) != _summed(order.lines):
            yield f"order {order.id} is of {order.lines} and holds {reservation.lines}"
    for reservation in held.values():
        yield f"reservation {reservation.id} is held for no order"


def a_change_has_one_event(history: History) -> Iterator[str]:
    """One event for each status that an order reached, one for each crossing of a threshold."""
    found = Counter((event.type, event.aggregate_id) for event in history.events)
    for order in history.orders:
        reached = {
            CREATED: order.confirmed,
            REJECTED: order.status == "rejected",
            CANCELLED: order.status == "cancelled",
        }
        for type_, due in reached.items():
            number = found.pop((type_, str(order.id)), 0)
            if number != int(due):
                yield f"order {order.id}, {order.status}, has {number} events {type_}"
    for product in history.products:
        number, crossed = found.pop((LOW, str(product.id)), 0), _crossings(product)
        if number != crossed:
            yield f"product {product.id} crossed its threshold {crossed} times, told of {number}"
    for (type_, aggregate_id), number in found.items():
        if type_ in (CREATED, REJECTED, CANCELLED, LOW):
            yield f"{number} events {type_} tell of {aggregate_id}, which does not exist"


def _crossings(product: Product) -> int:
    crossed = stock = 0
    for change in product.movements:
        crossed += int(stock > product.threshold >= stock + change)
        stock += change
    return crossed


def an_event_is_published(history: History) -> Iterator[str]:
    """Its row says so, and its topic holds it."""
    there = {(record.topic, record.id) for record in history.records}
    for event in history.events:
        if not event.published:
            yield f"{event.type} {event.id} is not published"
        if (event.topic, event.id) not in there:
            yield f"{event.type} {event.id} is not on {event.topic}"


def a_topic_holds_what_was_committed(history: History) -> Iterator[str]:
    """Every record is an event of the outbox, under its aggregate's key."""
    known = {event.id: event for event in history.events}
    for record in history.records:
        event = known.get(record.id)
        if event is None:
            yield f"{_place(record)} holds {record.id or 'no event'}, which no outbox has"
        elif record.key != event.aggregate_id or record.topic != event.topic:
            yield f"{_place(record)} holds {record.id} of {event.topic}/{event.aggregate_id}"


def a_repeated_event_is_the_same(history: History) -> Iterator[str]:
    """At least once, and each time byte for byte."""
    first: dict[str, Record] = {}
    for record in history.records:
        other = first.setdefault(record.id, record)
        if other.content != record.content:
            yield f"{_place(record)} and {_place(other)} hold {record.id} with other bytes"


def events_of_one_thing_are_in_order(history: History) -> Iterator[str]:
    """On one partition, where each comes first in the order of its commit."""
    position = {event.id: event.position for event in history.events}
    partitions: dict[tuple[str, str], set[int]] = defaultdict(set)
    last: dict[tuple[str, str], int] = {}
    seen: set[str] = set()
    for record in sorted(history.records, key=lambda each: (each.partition, each.offset)):
        thing = record.topic, record.key
        partitions[thing].add(record.partition)
        if record.id in seen or record.id not in position:
            continue
        seen.add(record.id)
        if position[record.id] < last.get(thing, 0):
            yield f"{_place(record)} holds {record.id} behind a later event of {record.key}"
        last[thing] = max(position[record.id], last.get(thing, 0))
    for (topic, key), numbers in partitions.items():
        if len(numbers) > 1:
            yield f"{topic} has {key} on the partitions {_listed(sorted(numbers))}"


def an_event_is_told_of_once(history: History) -> Iterator[str]:
    """One notification each, and none of anything else."""
    told = Counter(history.notified)
    for event in history.events:
        if (number := told.pop(event.id, 0)) != 1:
            yield f"{event.type} {event.id} has {number} notifications"
    for event_id, number in told.items():
        yield f"{number} notifications tell of {event_id}, which no outbox has"


def no_event_is_a_dead_letter(history: History) -> Iterator[str]:
    """What was down came back: waiting was enough."""
    for event_id in history.dead:
        yield f"{event_id} is a dead letter"


def the_tally_counts_what_is_published(history: History) -> Iterator[str]:
    """The metric of orders by status is exact, because this is."""
    published = Counter(
        event.type
        for event in history.events
        if event.published and event.type in (CREATED, REJECTED, CANCELLED)
    )
    for type_ in (CREATED, REJECTED, CANCELLED):
        if history.tally.get(type_, 0) != published[type_]:
            yield f"{type_} counts {history.tally.get(type_, 0)}, {published[type_]} are published"


RULES: tuple[Callable[[History], Iterator[str]], ...] = (
    a_key_has_one_order,
    a_key_has_one_answer,
    an_answer_is_what_is_stored,
    an_order_is_what_was_asked_for,
    no_order_is_on_its_way,
    stock_is_what_is_not_sold,
    stock_is_the_sum_of_its_movements,
    a_confirmed_order_holds_its_reservation,
    a_change_has_one_event,
    an_event_is_published,
    a_topic_holds_what_was_committed,
    a_repeated_event_is_the_same,
    events_of_one_thing_are_in_order,
    an_event_is_told_of_once,
    no_event_is_a_dead_letter,
    the_tally_counts_what_is_published,
)


def _summed(lines: Lines) -> Lines:
    totals: Counter[int] = Counter()
    for product_id, quantity in lines:
        totals[product_id] += quantity
    return tuple(sorted(totals.items()))


def _listed(values: Iterable[object]) -> str:
    return " and ".join(str(value) for value in values)


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"
