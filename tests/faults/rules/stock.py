"""Products, their ledger, and what was done to them."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate

from tests.faults.history import NEW, UPDATED, Edit, History, Product
from tests.faults.rules.orders import summed


def no_stock_was_ever_negative(history: History) -> Iterator[str]:
    """Not now, and not after any movement of the past."""
    for product in history.products:
        lowest = min([product.stock, *levels(product)])
        if lowest < 0:
            yield f"product {product.id} had {lowest} in stock"


def stock_is_the_sum_of_its_movements(history: History) -> Iterator[str]:
    """The ledger is the stock's whole past."""
    for product in history.products:
        total = sum(movement.change for movement in product.movements)
        if total != product.stock:
            yield f"product {product.id} has {product.stock} in stock, its ledger says {total}"


def a_reservation_moves_stock_once(history: History) -> Iterator[str]:
    """What it took is a sale each, what it gave back a release each, and nothing else is."""
    due: Counter[tuple[str, int, str, int]] = Counter()
    for reservation in history.reservations:
        if reservation.status == "refused":
            continue
        for product_id, quantity in summed(reservation.lines):
            due[reservation.id, product_id, "sale", -quantity] += 1
            if reservation.status == "released":
                due[reservation.id, product_id, "release", quantity] += 1
    found = Counter(
        (movement.reservation_id or "", product.id, movement.reason, movement.change)
        for product in history.products
        for movement in product.movements
        if movement.reason in ("sale", "release")
    )
    for what, number in (due - found).items():
        yield f"the movement {what} is missing {number} times"
    for what, number in (found - due).items():
        yield f"the movement {what} is there {number} times too often"


def a_restock_is_there_once(history: History) -> Iterator[str]:
    """What was answered arrived, what was refused did not; what is unknown may have."""
    for product in history.products:
        moved = Counter(m.change for m in product.movements if m.reason == "restock")
        edits = [e for e in history.edits if e.kind == "restock" and e.product == product.id]
        sure = Counter(edit.value for edit in edits if edit.outcome == "ok")
        maybe = Counter(edit.value for edit in edits if edit.outcome == "unknown")
        for value in moved.keys() | sure.keys():
            if not sure[value] <= moved[value] <= sure[value] + maybe[value]:
                yield (
                    f"product {product.id} received {value} pieces {moved[value]} times, "
                    f"{sure[value]} were answered and {maybe[value]} are unknown"
                )


def an_edit_is_there_once(history: History) -> Iterator[str]:
    """A price was set once where that was answered, never where it was refused; so was a count."""
    set_to: Counter[tuple[int, int]] = Counter()
    seen: set[tuple[int, int]] = set()
    for event in history.events:
        # A stock-take repeats the price: only the first version with a price has set it.
        if event.type == UPDATED and event.data.get("cause") == "edit":
            price = (int(event.aggregate_id), cents(event.data["price"]))
            set_to[price] += price not in seen
            seen.add(price)
    for edit in history.edits:
        if edit.kind != "price":
            continue
        number = set_to[edit.product, edit.value]
        if edit.outcome == "ok" and number != 1:
            yield f"product {edit.product} has the price {edit.value} {number} times"
        if edit.outcome == "fail" and number:
            yield f"product {edit.product} has the price {edit.value}, which was refused"
    edits = Counter(
        (edit.product, edit.outcome) for edit in history.edits if edit.kind in ("price", "count")
    )
    for product in history.products:
        sure, maybe = edits[product.id, "ok"], edits[product.id, "unknown"]
        if not sure <= product.version - 1 <= sure + maybe:
            yield (
                f"product {product.id} was edited {product.version - 1} times, "
                f"{sure} were answered and {maybe} are unknown"
            )


def a_product_is_what_its_last_edit_says(history: History) -> Iterator[str]:
    """Version and price of the row are those of its newest edit; versions count one by one."""
    newest: dict[int, tuple[int, Decimal]] = {}
    for event in history.events:
        product_id = int(event.aggregate_id) if event.type in (NEW, UPDATED) else 0
        if event.type == NEW:
            newest[product_id] = 1, Decimal(str(event.data["price"]))
        elif event.type == UPDATED and event.data.get("cause") == "edit":
            version, _ = newest.get(product_id, (0, None))
            if event.data["version"] != version + 1:
                yield f"product {product_id} has version {event.data['version']} after {version}"
            newest[product_id] = event.data["version"], Decimal(str(event.data["price"]))
    for product in history.products:
        if product.id in newest and newest[product.id] != (product.version, product.price):
            yield (
                f"product {product.id} has version {product.version} and price {product.price}, "
                f"its last edit says {newest[product.id]}"
            )


def a_deleted_product_stays_deleted(history: History) -> Iterator[str]:
    """And none is that nobody deleted."""
    deleted = {product.id for product in history.products if product.deleted}
    edits: dict[int, list[Edit]] = {}
    for edit in history.edits:
        if edit.kind == "delete":
            edits.setdefault(edit.product, []).append(edit)
    for product_id, asked in edits.items():
        if product_id not in deleted and any(edit.outcome == "ok" for edit in asked):
            yield f"product {product_id} was deleted, and is there"
    for product_id in deleted - edits.keys():
        yield f"product {product_id} is deleted, and nobody did it"


def levels(product: Product) -> list[int]:
    """The stock after each movement."""
    return list(accumulate(movement.change for movement in product.movements))


def cents(price: object) -> int:
    """A price as a whole number."""
    return int(Decimal(str(price)) * 100)


RULES = (
    no_stock_was_ever_negative,
    stock_is_the_sum_of_its_movements,
    a_reservation_moves_stock_once,
    a_restock_is_there_once,
    an_edit_is_there_once,
    a_product_is_what_its_last_edit_says,
    a_deleted_product_stays_deleted,
)
