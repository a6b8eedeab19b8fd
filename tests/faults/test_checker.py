"""The checker finds what it is for: each history here is broken in one way."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import RULES, check
from tests.faults.history import (
    CANCELLED,
    CREATED,
    LOW,
    REJECTED,
    Asked,
    Event,
    History,
    Order,
    Product,
    Record,
    Reservation,
)

ORDERS, PRODUCTS = "order-events", "inventory-events"


def sound() -> History:
    """Order 1 is confirmed, 2 was refused, 3 was cancelled by its customer, 4 when it was stuck."""
    events = (
        Event(PRODUCTS, 1, "e-low", LOW, "7", published=True),
        Event(ORDERS, 1, "e-1", CREATED, "1", published=True),
        Event(ORDERS, 2, "e-2", REJECTED, "2", published=True),
        Event(ORDERS, 3, "e-3a", CREATED, "3", published=True),
        Event(ORDERS, 4, "e-3b", CANCELLED, "3", published=True),
        Event(ORDERS, 5, "e-4", CANCELLED, "4", published=True),
    )
    records = [
        Record(
            event.topic, int(event.aggregate_id) % 2, offset, event.aggregate_id, event.id, b"{}"
        )
        for offset, event in enumerate(events)
    ]
    return History(
        asked=(
            Asked("k-1", ((7, 4),), ((201, 1), (201, 1))),
            Asked("k-2", ((7, 90),), ((409, "insufficient-stock"),)),
            Asked("k-3", ((7, 1),), ((201, 3),), cancelled=True),
            Asked("k-4", ((7, 1),), ()),
        ),
        orders=(
            Order(1, "r-1", "confirmed", ((7, 4),), confirmed=True, released=False, key="k-1"),
            Order(2, "r-2", "rejected", ((7, 90),), confirmed=False, released=False, key="k-2"),
            Order(3, "r-3", "cancelled", ((7, 1),), confirmed=True, released=True, key="k-3"),
            Order(4, "r-4", "cancelled", ((7, 1),), confirmed=False, released=True, key="k-4"),
        ),
        reservations=(
            Reservation("r-1", "held", ((7, 4),)),
            Reservation("r-2", "refused", ((7, 90),)),
            Reservation("r-3", "released", ((7, 1),)),
        ),
        products=(Product(7, 12, 8, 10, (12, -4, -1, 1)),),
        events=events,
        # The relay sent one of them twice.
        records=(*records, replace(records[1], offset=9)),
        notified=tuple(event.id for event in events),
        tally={CREATED: 2, REJECTED: 1, CANCELLED: 2},
    )


def with_part(history: History, name: str, elements: Iterable[Any]) -> History:
    """The history with one of its parts replaced."""
    part: dict[str, Any] = {name: tuple(elements)}
    return replace(history, **part)


def changed(name: str, index: int, **members: Any) -> Callable[[History], History]:
    """Break one element of one part of a history."""

    def change(history: History) -> History:
        elements = list(getattr(history, name))
        elements[index] = replace(elements[index], **members)
        return with_part(history, name, elements)

    return change


def without(name: str, index: int) -> Callable[[History], History]:
    """Take one element out of one part of a history."""

    def change(history: History) -> History:
        elements = list(getattr(history, name))
        del elements[index]
        return with_part(history, name, elements)

    return change


def added(name: str, element: object) -> Callable[[History], History]:
    """Put one more element into one part of a history."""

    def change(history: History) -> History:
        return with_part(history, name, (*getattr(history, name), element))

    return change


def swapped(history: History) -> History:
    """The two events of order 3 on Kafka, the later one first."""
    records = list(history.records)
    records[3] = replace(records[3], offset=records[4].offset)
    records[4] = replace(records[4], offset=3)
    return replace(history, records=tuple(records))


SECOND = Order(5, "r-5", "rejected", ((7, 4),), confirmed=False, released=False, key="k-1")
ORPHAN = Order(5, "r-5", "rejected", ((7, 4),), confirmed=False, released=False, key=None)
BROKEN: dict[str, tuple[str, Callable[[History], History]]] = {
    "a key with two orders": ("a_key_has_one_order", added("orders", SECOND)),
    "an order of no key": ("a_key_has_one_order", added("orders", ORPHAN)),
    "an acknowledged order that is gone": ("a_key_has_one_order", without("orders", 0)),
    "a repetition that is answered with another order": (
        "a_key_has_one_answer",
        changed("asked", 0, answers=((201, 1), (201, 9))),
    ),
    "a repetition that is refused": (
        "a_key_has_one_answer",
        changed("asked", 0, answers=((201, 1), (409, "insufficient-stock"))),
    ),
    "an acknowledged order that is cancelled": (
        "an_answer_is_what_is_stored",
        changed("orders", 0, status="cancelled", released=True),
    ),
    "an acknowledged order under another id": (
        "an_answer_is_what_is_stored",
        changed("asked", 0, answers=((201, 2),)),
    ),
    "a refused order that is confirmed": (
        "an_answer_is_what_is_stored",
        changed("orders", 1, status="confirmed", confirmed=True),
    ),
    "an acknowledged cancel that is undone": (
        "an_answer_is_what_is_stored",
        changed("orders", 2, status="confirmed"),
    ),
    "an order of other pieces": (
        "an_order_is_what_was_asked_for",
        changed("orders", 0, lines=((7, 5),)),
    ),
    "an order that is left pending": (
        "no_order_is_on_its_way",
        changed("orders", 3, status="pending"),
    ),
    "a cancelled order that was never released": (
        "no_order_is_on_its_way",
        changed("orders", 2, released=False),
    ),
    "a piece that is sold twice": (
        "stock_is_what_is_not_sold",
        changed("products", 0, stock=9, movements=(12, -3)),
    ),
    "a piece that is lost": (
        "stock_is_what_is_not_sold",
        changed("products", 0, stock=7, movements=(12, -4, -1)),
    ),
    "less than nothing in stock": (
        "stock_is_what_is_not_sold",
        changed("products", 0, initial=3, stock=-1, movements=(3, -4)),
    ),
    "a ledger that says something else": (
        "stock_is_the_sum_of_its_movements",
        changed("products", 0, movements=(12, -5)),
    ),
    "a confirmed order without its reservation": (
        "a_confirmed_order_holds_its_reservation",
        without("reservations", 0),
    ),
    "a reservation of other pieces": (
        "a_confirmed_order_holds_its_reservation",
        changed("reservations", 0, lines=((7, 3),)),
    ),
    "a cancelled order that holds its stock": (
        "a_confirmed_order_holds_its_reservation",
        changed("reservations", 2, status="held"),
    ),
    "a reservation for nobody": (
        "a_confirmed_order_holds_its_reservation",
        added("reservations", Reservation("r-9", "held", ((7, 1),))),
    ),
    "a confirmed order without its event": ("a_change_has_one_event", without("events", 1)),
    "an order with its event twice": (
        "a_change_has_one_event",
        added("events", Event(ORDERS, 6, "e-5", CREATED, "1", published=True)),
    ),
    "an event of no order": (
        "a_change_has_one_event",
        added("events", Event(ORDERS, 6, "e-5", CREATED, "99", published=True)),
    ),
    "a crossing of the threshold without its event": (
        "a_change_has_one_event",
        without("events", 0),
    ),
    "a crossing of the threshold with two events": (
        "a_change_has_one_event",
        added("events", Event(PRODUCTS, 2, "e-low-2", LOW, "7", published=True)),
    ),
    "an event that waits in the outbox": (
        "an_event_is_published",
        changed("events", 1, published=False),
    ),
    "an event that never reached Kafka": ("an_event_is_published", without("records", 2)),
    "an event on another topic": (
        "an_event_is_published",
        changed("records", 2, topic=PRODUCTS),
    ),
    "a record that no outbox knows": (
        "a_topic_holds_what_was_committed",
        added("records", Record(ORDERS, 0, 20, "4", "e-none", b"{}")),
    ),
    "a record under another key": (
        "a_topic_holds_what_was_committed",
        changed("records", 2, key="1"),
    ),
    "a repeated event with other bytes": (
        "a_repeated_event_is_the_same",
        changed("records", -1, content=b"{} "),
    ),
    "an event that overtook another": ("events_of_one_thing_are_in_order", swapped),
    "an order's events on two partitions": (
        "events_of_one_thing_are_in_order",
        changed("records", 4, partition=0),
    ),
    "an event that nobody was told of": ("an_event_is_told_of_once", without("notified", 2)),
    "an event that was told of twice": ("an_event_is_told_of_once", added("notified", "e-1")),
    "a notification of nothing": ("an_event_is_told_of_once", added("notified", "e-none")),
    "a dead letter": ("no_event_is_a_dead_letter", added("dead", "e-2")),
    "a tally that counted one twice": (
        "the_tally_counts_what_is_published",
        lambda history: replace(history, tally={CREATED: 3, REJECTED: 1, CANCELLED: 2}),
    ),
}


def test_a_sound_history_has_no_difference() -> None:
    assert check(sound()) == []


@pytest.mark.parametrize("name", BROKEN)
def test_it_finds(name: str) -> None:
    rule, break_it = BROKEN[name]
    assert rule in {difference.rule for difference in check(break_it(sound()))}


def test_every_rule_has_a_history_that_breaks_it() -> None:
    assert {rule for rule, _ in BROKEN.values()} == {rule.__name__ for rule in RULES}


def test_a_client_that_gave_up_leaves_every_end_open() -> None:
    for status in ("confirmed", "rejected"):
        history = changed("orders", 3, status=status)(sound())
        rules = {difference.rule for difference in check(history)}
        assert "an_answer_is_what_is_stored" not in rules


def test_a_cancel_that_was_never_answered_may_have_happened_or_not() -> None:
    history = changed("asked", 2, cancelled=None)(sound())
    assert check(history) == []
