"""A small history in which everything holds, and ways to break one thing in it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.faults.history import (
    CANCELLED,
    CREATED,
    DELETED,
    LOW,
    NEW,
    REJECTED,
    UPDATED,
    Asked,
    Edit,
    Event,
    History,
    Movement,
    Order,
    OrderSight,
    Page,
    Product,
    Record,
    Reservation,
    Sight,
)

ORDERS, PRODUCTS = "order-events", "inventory-events"
Change = Callable[[History], History]
_TEN, _NINE = Decimal("10.00"), Decimal("9.00")


def _product(position: int, name: str, type_: str, price: Decimal = _TEN, **data: Any) -> Event:
    return Event(PRODUCTS, position, name, type_, "7", published=True, data=data | {"price": price})


def _order(position: int, name: str, type_: str, aggregate_id: str, **data: Any) -> Event:
    return Event(ORDERS, position, name, type_, aggregate_id, published=True, data=data)


def sound() -> History:
    """Orders and a product of one run, in which nothing is wrong.

    Order 1 is confirmed, 2 was refused, 3 was cancelled by its customer, 4 when it was stuck and
    nobody had an answer, 5 has no key. Product 7 has 12 pieces at 10.00; then 4 are sold, 1 is
    sold, 1 comes back, 5 arrive, its price becomes 9.00, 2 are sold. Product 8 was deleted.
    """
    events = (
        _product(1, "p-new", NEW, version=1),
        _product(2, "p-low", LOW),
        _product(3, "p-back", UPDATED, version=1, cause="release"),
        _product(4, "p-more", UPDATED, version=1, cause="restock"),
        _product(5, "p-price", UPDATED, price=_NINE, version=2, cause="edit"),
        Event(PRODUCTS, 6, "q-new", NEW, "8", published=True, data={"price": _TEN}),
        Event(PRODUCTS, 7, "q-gone", DELETED, "8", published=True),
        _order(1, "e-1", CREATED, "1", total_price="40.00"),
        _order(2, "e-2", REJECTED, "2"),
        _order(3, "e-3a", CREATED, "3", total_price="10.00"),
        _order(4, "e-3b", CANCELLED, "3"),
        _order(5, "e-4", CANCELLED, "4"),
        _order(6, "e-5", CREATED, "5", total_price="18.00"),
    )
    records = [
        Record(
            event.topic, int(event.aggregate_id) % 2, offset, event.aggregate_id, event.id, b"{}"
        )
        for offset, event in enumerate(events)
    ]
    return History(
        asked=(
            Asked("k-1", ((7, 4),), ((201, 1), (201, 1)), began=1, ended=2,
                  totals=(Decimal("40.00"), Decimal("40.00"))),
            Asked("k-2", ((7, 90),), ((409, "insufficient-stock"),), began=2, ended=3),
            Asked("k-3", ((7, 1),), ((201, 3),), cancelled=True, began=3, ended=4,
                  totals=(Decimal("10.00"),)),
            Asked("k-4", ((7, 1),), ((409, "order-cancelled"),), began=4, ended=9),
            Asked(None, ((7, 2),), ((201, 5),), began=8, ended=9, totals=(Decimal("18.00"),)),
        ),
        edits=(
            Edit("restock", 7, 5, "ok", 5, 6, keyed=True),
            Edit("price", 7, 900, "ok", 6, 7),
            Edit("price", 7, 800, "fail", 6, 7),
            Edit("delete", 8, 0, "ok", 6, 7),
        ),
        sights=(
            Sight(7, 2.1, 2.2, stock=8, version=1, price=_TEN),
            Sight(7, 5.5, 6, stock=13, version=1, price=_TEN),
            Sight(7, 7.1, 7.2, stock=13, version=2, price=_NINE),
        ),
        order_sights=(
            OrderSight(1, 2.1, 2.2, "confirmed"),
            OrderSight(3, 4.1, 4.2, "confirmed"),
            OrderSight(3, 4.5, 4.6, "cancelled"),
        ),
        pages=(Page(5.1, 5.2, ((3, "cancelled"), (2, "rejected"), (1, "confirmed")), full=False),),
        orders=(
            Order(1, "r-1", "confirmed", ((7, 4),), confirmed=True, released=False, key="k-1",
                  prices=(_TEN,), total=Decimal(40)),
            Order(2, "r-2", "rejected", ((7, 90),), confirmed=False, released=False, key="k-2"),
            Order(3, "r-3", "cancelled", ((7, 1),), confirmed=True, released=True, key="k-3",
                  prices=(_TEN,), total=Decimal(10)),
            Order(4, "r-4", "cancelled", ((7, 1),), confirmed=False, released=True, key="k-4"),
            Order(5, "r-5", "confirmed", ((7, 2),), confirmed=True, released=False, key=None,
                  prices=(_NINE,), total=Decimal(18)),
        ),
        reservations=(
            Reservation("r-1", "held", ((7, 4),)),
            Reservation("r-2", "refused", ((7, 90),)),
            Reservation("r-3", "released", ((7, 1),)),
            # What was released before it was reserved: a tombstone.
            Reservation("r-4", "released", ()),
            Reservation("r-5", "held", ((7, 2),)),
        ),
        products=(
            Product(
                7, 11, 10,
                (
                    Movement(12, "initial"), Movement(-4, "sale", "r-1"),
                    Movement(-1, "sale", "r-3"), Movement(1, "release", "r-3"),
                    Movement(5, "restock"), Movement(-2, "sale", "r-5"),
                ),
                price=_NINE, version=2,
            ),
            Product(8, 3, 10, (Movement(3, "initial"),), price=_TEN, deleted=True),
        ),
        events=events,
        # The relay sent one of them twice, and one was made up.
        records=(
            *records,
            replace(records[8], offset=20),
            Record(ORDERS, 0, 21, "poison", "bad", b"?"),
        ),
        notified=tuple(event.id for event in events),
        poison=("bad",),
        dead=("bad",),
        tally={CREATED: 3, REJECTED: 1, CANCELLED: 2},
        notified_types={"order.created": 3},
        delivered={"order.created": 3},
    )  # fmt: skip


def with_part(history: History, name: str, elements: Iterable[Any]) -> History:
    """The history with one of its parts replaced."""
    part: dict[str, Any] = {name: tuple(elements)}
    return replace(history, **part)


def changed(name: str, index: int, **members: Any) -> Change:
    """Break one element of one part of a history."""

    def change(history: History) -> History:
        elements = list(getattr(history, name))
        elements[index] = replace(elements[index], **members)
        return with_part(history, name, elements)

    return change


def without(name: str, index: int) -> Change:
    """Take one element out of one part of a history."""

    def change(history: History) -> History:
        elements = list(getattr(history, name))
        del elements[index]
        return with_part(history, name, elements)

    return change


def added(name: str, element: object) -> Change:
    """Put one more element into one part of a history."""

    def change(history: History) -> History:
        return with_part(history, name, (*getattr(history, name), element))

    return change


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(history: History) -> History:
        for each in changes:
            history = each(history)
        return history

    return change


def moved(*movements: Movement, stock: int) -> Change:
    """Give product 7 another ledger, and the stock that goes with it or does not."""
    return changed("products", 0, movements=movements, stock=stock)
