"""Histories that are broken in one way, each with the rule that is to find it."""

from dataclasses import replace
from decimal import Decimal

from tests.faults.history import (
    CANCELLED,
    CREATED,
    LOW,
    REJECTED,
    UPDATED,
    Edit,
    Event,
    History,
    Movement,
    Order,
    OrderSight,
    Record,
    Reservation,
    Sight,
)
from tests.faults.sound import ORDERS, PRODUCTS, Change, added, both, changed, without


def swapped(history: History) -> History:
    """The two events of order 3 on Kafka, the later one first."""
    records = list(history.records)
    records[9], records[10] = (
        replace(records[9], offset=records[10].offset),
        replace(records[10], offset=records[9].offset),
    )
    return replace(history, records=tuple(records))


SECOND = Order(6, "r-6", "rejected", ((7, 4),), confirmed=False, released=False, key="k-1")
ORPHAN = Order(6, "r-6", "rejected", ((7, 4),), confirmed=False, released=False, key="k-9")
UNASKED = Order(6, "r-6", "rejected", ((7, 4),), confirmed=False, released=False, key=None)

# By name: the rule that is to find it, and how the history is broken.
BROKEN: dict[str, tuple[str, Change]] = {
    "a key with two orders": ("a_key_has_one_order", added("orders", SECOND)),
    "an order of a key that nobody used": ("a_key_has_one_order", added("orders", ORPHAN)),
    "an order that nobody asked for": ("a_key_has_one_order", added("orders", UNASKED)),
    "an acknowledged order that is gone": ("a_key_has_one_order", without("orders", 0)),
    "a request that had a second effect, with all that belongs to it": (
        "a_key_has_one_order",
        both(
            added("orders", ORPHAN),
            added("events", Event(ORDERS, 7, "e-6", REJECTED, "6", published=True)),
            added("records", Record(ORDERS, 0, 22, "6", "e-6", b"{}")),
            added("notified", "e-6"),
            lambda history: replace(history, tally={CREATED: 3, REJECTED: 2, CANCELLED: 2}),
        ),
    ),
    "a repetition that is answered with another order": (
        "a_key_has_one_answer",
        changed("asked", 0, answers=((201, 1), (201, 9))),
    ),
    "a repetition that costs something else": (
        "a_key_has_one_answer",
        changed("asked", 0, totals=(Decimal(40), Decimal(41))),
    ),
    "a key without an answer": (
        "nothing_unknown_stays_unknown",
        changed("asked", 3, answers=()),
    ),
    "a delivery without an answer": (
        "nothing_unknown_stays_unknown",
        changed("edits", 0, outcome="unknown"),
    ),
    "an acknowledged order that is cancelled": (
        "an_answer_is_what_is_stored",
        changed("orders", 0, status="cancelled", released=True),
    ),
    "an acknowledged order under another id": (
        "an_answer_is_what_is_stored",
        changed("asked", 2, answers=((201, 1),)),
    ),
    "a refusal of what is cancelled": (
        "an_answer_is_what_is_stored",
        changed("asked", 3, answers=((409, "insufficient-stock"),)),
    ),
    "an acknowledged order without a key that is gone": (
        "an_answer_is_what_is_stored",
        changed("asked", 4, answers=((201, 99),), totals=()),
    ),
    "an acknowledged cancel that is undone": (
        "an_answer_is_what_is_stored",
        changed("orders", 2, status="confirmed"),
    ),
    "an order of other pieces": (
        "an_order_is_what_was_asked_for",
        changed("asked", 0, lines=((7, 5),)),
    ),
    "an order that is left pending": (
        "no_order_is_on_its_way",
        changed("orders", 3, status="pending"),
    ),
    "a cancelled order that was never released": (
        "no_order_is_on_its_way",
        changed("orders", 2, released=False),
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
        changed("reservations", 3, status="held"),
    ),
    "a reservation for nobody": (
        "a_confirmed_order_holds_its_reservation",
        added("reservations", Reservation("r-9", "held", ())),
    ),
    "a total that is a cent off": (
        "totals_are_exact",
        changed("orders", 0, total=Decimal("40.01")),
    ),
    "a total that its client was told otherwise": (
        "totals_are_exact",
        changed("asked", 2, totals=(Decimal("10.01"),)),
    ),
    "a total that its event tells otherwise": (
        "totals_are_exact",
        changed("events", 7, data={"total_price": "39.99"}),
    ),
    "less than nothing in stock, for a moment": (
        "no_stock_was_ever_negative",
        changed(
            "products", 1, stock=3,
            movements=(Movement(-1, "stock_take"), Movement(4, "initial")),
        ),
    ),
    "a ledger that says something else": (
        "stock_is_the_sum_of_its_movements",
        changed("products", 0, stock=12),
    ),
    "a piece that is sold twice": (
        "a_reservation_moves_stock_once",
        changed("products", 1, movements=(Movement(5, "initial"), Movement(-2, "sale", "r-5"))),
    ),
    "a piece that came back twice": (
        "a_reservation_moves_stock_once",
        changed(
            "products", 1, stock=4,
            movements=(Movement(3, "initial"), Movement(1, "release", "r-3")),
        ),
    ),
    "a piece that is kept": (
        "a_reservation_moves_stock_once",
        changed("reservations", 3, lines=((8, 1),)),
    ),
    "a delivery that is there twice": (
        "a_restock_is_there_once",
        without("edits", 0),
    ),
    "a delivery that was answered and is not there": (
        "a_restock_is_there_once",
        added("edits", Edit("restock", 7, 6, "ok", 5, 6, keyed=True)),
    ),
    "a price that was answered and is not there": (
        "an_edit_is_there_once",
        added("edits", Edit("price", 7, 850, "ok", 6, 7)),
    ),
    "a price that was refused and is there": (
        "an_edit_is_there_once",
        changed("edits", 1, outcome="fail"),
    ),
    "a count that was answered and is not there": (
        "an_edit_is_there_once",
        added("edits", Edit("count", 7, 11, "ok", 9, 10)),
    ),
    "a count that was refused and is there": (
        "an_edit_is_there_once",
        both(
            added("edits", Edit("count", 7, 11, "fail", 9, 10)),
            changed("products", 0, version=3),
            added("events", Event(PRODUCTS, 8, "p-count", UPDATED, "7", published=True,
                                  data={"price": Decimal(9), "version": 3, "cause": "edit"})),
            added("records", Record(PRODUCTS, 1, 22, "7", "p-count", b"{}")),
            added("notified", "p-count"),
        ),
    ),
    "an edit that is lost in the row": (
        "a_product_is_what_its_last_edit_says",
        changed("products", 0, price=Decimal("10.00")),
    ),
    "a version that is left out": (
        "a_product_is_what_its_last_edit_says",
        both(
            changed("events", 4, data={"price": Decimal("9.00"), "version": 3, "cause": "edit"}),
            without("sights", 2),
        ),
    ),
    "a deleted product that is there": (
        "a_deleted_product_stays_deleted",
        both(changed("products", 1, deleted=False), without("events", 6), without("records", 6),
             without("notified", 6)),
    ),
    "a product that nobody deleted": (
        "a_deleted_product_stays_deleted",
        without("edits", 3),
    ),
    "a confirmed order without its event": (
        "a_change_has_one_event",
        both(without("events", 7), without("records", 7), without("notified", 7),
             lambda history: replace(history, tally={CREATED: 2, REJECTED: 1, CANCELLED: 2})),
    ),
    "an event of no order": (
        "a_change_has_one_event",
        added("events", Event(ORDERS, 7, "e-6", CREATED, "99", published=True)),
    ),
    "a crossing of the threshold without its event": (
        "a_change_has_one_event",
        without("events", 1),
    ),
    "a crossing of the threshold with two events": (
        "a_change_has_one_event",
        added("events", Event(PRODUCTS, 8, "p-low-2", LOW, "7", published=True)),
    ),
    "a delivery without its event": (
        "an_update_has_one_event",
        both(without("events", 3), without("records", 3), without("notified", 3)),
    ),
    "an event that waits in the outbox": (
        "an_event_is_published",
        changed("events", 1, published=False),
    ),
    "an event that never reached Kafka": ("an_event_is_published", without("records", 9)),
    "an event on another topic": (
        "an_event_is_published",
        changed("records", 9, topic=PRODUCTS),
    ),
    "a record that no outbox knows": (
        "a_topic_holds_what_was_committed",
        added("records", Record(ORDERS, 0, 30, "4", "e-none", b"{}")),
    ),
    "a record under another key": (
        "a_topic_holds_what_was_committed",
        changed("records", 11, key="9"),
    ),
    "a repeated event with other bytes": (
        "a_repeated_event_is_the_same",
        changed("records", 13, content=b"{} "),
    ),
    "an event that overtook another": ("events_of_one_thing_are_in_order", swapped),
    "an order's events on two partitions": (
        "events_of_one_thing_are_in_order",
        changed("records", 10, partition=0),
    ),
    "an event that nobody was told of": ("an_event_is_told_of_once", without("notified", 2)),
    "an event that was told of twice": ("an_event_is_told_of_once", added("notified", "e-1")),
    "a notification of nothing": ("an_event_is_told_of_once", added("notified", "e-none")),
    "a dead letter": ("what_is_refused_is_a_dead_letter", added("dead", "e-2")),
    "a poison event that vanished": ("what_is_refused_is_a_dead_letter", without("dead", 0)),
    "a tally that counted one twice": (
        "the_tally_counts_what_is_published",
        lambda history: replace(history, tally={CREATED: 4, REJECTED: 1, CANCELLED: 2}),
    ),
    "a tally that forgot a delivery": (
        "the_tally_counts_what_is_delivered",
        lambda history: replace(history, delivered={"order.created": 2}),
    ),
    "a stock that never was": (
        "a_stock_that_is_read_was_there",
        added("sights", Sight(7, 8, 9, stock=10)),
    ),
    "a stock from before what was read already": (
        "a_stock_that_is_read_was_there",
        added("sights", Sight(7, 8, 9, stock=12)),
    ),
    "a stock of an order that was not asked for yet": (
        "a_stock_that_is_read_was_there",
        added("sights", Sight(7, 0.1, 0.2, stock=8)),
    ),
    "a price that never was": (
        "a_price_that_is_read_was_set",
        added("sights", Sight(7, 8, 9, price=Decimal("9.50"))),
    ),
    "a price from before the one that was answered": (
        "a_price_that_is_read_was_set",
        added("sights", Sight(7, 8, 9, price=Decimal("10.00"))),
    ),
    "a price under another version": (
        "a_price_that_is_read_was_set",
        changed("sights", 2, version=1),
    ),
    "an order at a price that was over": (
        "a_price_that_is_read_was_set",
        both(
            changed("asked", 2, began=8, ended=9, cancelled=True),
            lambda history: replace(history, order_sights=(), pages=(), sights=history.sights[2:]),
        ),
    ),
    "an order that goes back": (
        "an_order_that_is_read_never_goes_back",
        added("order_sights", OrderSight(3, 5, 5.1, "confirmed")),
    ),
    "an order that is not found": (
        "an_order_that_is_read_never_goes_back",
        added("order_sights", OrderSight(1, 5, 5.1, "missing")),
    ),
    "a list without an order that was confirmed": (
        "a_list_holds_what_was_confirmed",
        changed("pages", 0, orders=((3, "cancelled"), (2, "rejected"))),
    ),
    "a list that is not newest first": (
        "a_list_holds_what_was_confirmed",
        changed("pages", 0, orders=((1, "confirmed"), (3, "cancelled"), (2, "rejected"))),
    ),
}  # fmt: skip
