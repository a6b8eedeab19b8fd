"""The outbox, the topics, notifications and dead letters."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tests.faults.history import (
    CANCELLED,
    CREATED,
    DELETED,
    LOW,
    NEW,
    REJECTED,
    UPDATED,
    History,
    Product,
    Record,
)


def a_change_has_one_event(history: History) -> Iterator[str]:
    """One event for each status that an order reached, one for each crossing of a threshold."""
    found = Counter(
        (event.type, event.aggregate_id) for event in history.events if event.type != UPDATED
    )
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
        for type_, number in _due(product).items():
            told = found.pop((type_, str(product.id)), 0)
            if told != number:
                yield f"product {product.id} has {told} events {type_}, and {number} changes"
    for (type_, aggregate_id), number in found.items():
        yield f"{number} events {type_} tell of {aggregate_id}, which does not exist"


def _due(product: Product) -> dict[str, int]:
    """How many events of each type the product's row and ledger ask for.

    A release tells of a product that is not deleted; only its event knows whether it was.
    """
    crossed = stock = 0
    for movement in product.movements:
        crossed += int(stock > product.threshold >= stock + movement.change)
        stock += movement.change
    return {NEW: 1, DELETED: int(product.deleted), LOW: crossed}


def an_update_has_one_event(history: History) -> Iterator[str]:
    """One for each edit, delivery and release; a deleted product's releases may be silent."""
    told = Counter(
        (int(event.aggregate_id), str(event.data["cause"]))
        for event in history.events
        if event.type == UPDATED
    )
    for product in history.products:
        reasons = Counter(movement.reason for movement in product.movements)
        due = {"edit": product.version - 1, "restock": reasons["restock"]}
        for cause, number in due.items():
            if told[product.id, cause] != number:
                yield f"product {product.id}: {told[product.id, cause]} of {number} {cause} told"
        least = 0 if product.deleted else reasons["release"]
        if not least <= told[product.id, "release"] <= reasons["release"]:
            yield f"product {product.id}: {told[product.id, 'release']} releases told"


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
    poison = set(history.poison)
    for record in history.records:
        if record.id in poison:
            continue
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


def what_is_refused_is_a_dead_letter(history: History) -> Iterator[str]:
    """Once, and nothing else is: what was down came back, and waiting was enough."""
    dead = Counter(history.dead)
    for event_id in history.poison:
        if (number := dead.pop(event_id, 0)) != 1:
            yield f"{event_id} is not to be understood, and has {number} dead letters"
    for event_id in dead:
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


def the_tally_counts_what_is_delivered(history: History) -> Iterator[str]:
    """The metric of notifications by type is exact, because this is."""
    for type_ in history.notified_types.keys() | history.delivered.keys():
        stored, counted = history.notified_types.get(type_, 0), history.delivered.get(type_, 0)
        if stored != counted:
            yield f"{type_} counts {counted} delivered, {stored} are stored"


def _listed(values: Iterable[object]) -> str:
    return " and ".join(str(value) for value in values)


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"


RULES = (
    a_change_has_one_event,
    an_update_has_one_event,
    an_event_is_published,
    a_topic_holds_what_was_committed,
    a_repeated_event_is_the_same,
    events_of_one_thing_are_in_order,
    an_event_is_told_of_once,
    what_is_refused_is_a_dead_letter,
    the_tally_counts_what_is_published,
    the_tally_counts_what_is_delivered,
)
