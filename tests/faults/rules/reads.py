"""What clients read is consistent with one order of all that happened.

Each product's stock is a register whose whole history is its ledger, each price one whose history
are the versions in the outbox. A reading fits if it can be given a place in that history, not
before what was read, or answered, when it began, and not behind what was asked for only after it
had ended. Taking the earliest place that fits never makes another reading impossible.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tests.faults.history import NEW, UPDATED, History, OrderSight, Page, Product, Sight
from tests.faults.rules.stock import cents, levels

_RANKS = {"missing": -1, "pending": 0, "confirmed": 1, "rejected": 1, "cancelled": 2}
_CREATED = 201


class _Past:
    """What has ended, by its end: the furthest place that anything took before a moment."""

    def __init__(self) -> None:
        self._ends: list[float] = []
        self._places: list[int] = []

    def before(self, moment: float) -> int:
        """The furthest place of what had ended by then."""
        found = bisect_left(self._ends, moment)
        return self._places[found - 1] if found else 0

    def add(self, ended: float, place: int) -> None:
        """Ends must come in their order."""
        self._ends.append(ended)
        self._places.append(max(place, self._places[-1] if self._places else 0))


def a_stock_that_is_read_was_there(history: History) -> Iterator[str]:
    """After a movement of the ledger, in an order that fits the clock."""
    sights = _by_product(sight for sight in history.sights if sight.stock is not None)
    began = _beginnings(history)
    for product in history.products:
        after = [0, *levels(product)]
        earliest = _earliest(product, began)
        past = _Past()
        for sight in sorted(sights[product.id], key=lambda each: each.ended):
            least = past.before(sight.began)
            place = next((p for p in range(least, len(after)) if after[p] == sight.stock), None)
            if place is None:
                yield f"product {product.id} was read with {sight.stock}, {_when(sight)}"
                place = least
            elif earliest[place] > sight.ended:
                yield f"product {product.id} was read with {sight.stock} too early, {_when(sight)}"
            past.add(sight.ended, place)


def _beginnings(history: History) -> dict[str, float]:
    """When the order of a reservation was first asked for."""
    of_key = {order.key: order.reservation_id for order in history.orders if order.key}
    return {of_key[a.key]: a.began for a in history.asked if a.key in of_key}


def _earliest(product: Product, began: dict[str, float]) -> list[float]:
    """Before which moment each place in the ledger cannot have been reached."""
    found = [0.0]
    for movement in product.movements:
        asked = began.get(movement.reservation_id or "", 0.0) if movement.reason == "sale" else 0.0
        found.append(max(found[-1], asked))
    return found


def a_price_that_is_read_was_set(history: History) -> Iterator[str]:
    """A version has one price, and no reading is older than one before it.

    An order's price is a reading too, made while it was asked for.
    """
    prices: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for event in history.events:
        if event.type in (NEW, UPDATED):
            version = event.data.get("version", 1)
            prices[int(event.aggregate_id)][version] = Decimal(str(event.data["price"]))
    set_at = {
        (edit.product, edit.value): edit.began for edit in history.edits if edit.kind == "price"
    }
    for product_id, sights in _by_product((*history.sights, *_sales(history))).items():
        if product_id not in prices:
            continue
        versions, past = prices[product_id], _Past()
        for sight in sorted(sights, key=lambda each: each.ended):
            if sight.price is None:
                continue
            least = past.before(sight.began)
            fitting = (
                version
                for version in sorted(versions)
                if version >= least
                and versions[version] == sight.price
                and sight.version in (None, version)
                and set_at.get((product_id, cents(versions[version])), 0.0) <= sight.ended
            )
            place = next(fitting, None)
            if place is None:
                yield (
                    f"product {product_id} was read at {sight.price} in version {sight.version}, "
                    f"version {least} had been seen, {_when(sight)}"
                )
            past.add(sight.ended, place or least)


def _sales(history: History) -> list[Sight]:
    asked = {each.key: each for each in history.asked if each.key is not None and each.answers}
    return [
        Sight(product_id, asked[order.key].began, asked[order.key].ended, price=price)
        for order in history.orders
        if order.key in asked and order.confirmed
        for (product_id, _), price in zip(order.lines, order.prices, strict=False)
    ]


def an_order_that_is_read_never_goes_back(history: History) -> Iterator[str]:
    """Pending, then confirmed or rejected, then cancelled; also where others read it."""
    sights: dict[int, list[OrderSight]] = defaultdict(list)
    for sight in history.order_sights:
        sights[sight.order].append(sight)
    for page in history.pages:
        for order_id, status in page.orders:
            sights[order_id].append(OrderSight(order_id, page.began, page.ended, status))
    stored = {order.id: order.status for order in history.orders}
    for order_id, seen in sights.items():
        past = _Past()
        for sight in sorted(seen, key=lambda each: each.ended):
            if _RANKS[sight.status] < past.before(sight.began):
                yield f"order {order_id} was {sight.status} again, {_when(sight)}"
            past.add(sight.ended, _RANKS[sight.status])
        end = stored.get(order_id)
        if end is None:
            yield f"order {order_id} was read, and there is none"
        elif _RANKS[end] < max(_RANKS[sight.status] for sight in seen):
            yield f"order {order_id} is {end}, and was read as more than that"


def a_list_holds_what_was_confirmed(history: History) -> Iterator[str]:
    """Whoever lists orders after the answer to one finds it, newest first."""
    confirmed = sorted(
        (asked.ended, int(asked.answers[0][1]))
        for asked in history.asked
        if asked.answers and asked.answers[0][0] == _CREATED
    )
    for page in history.pages:
        ids = [order_id for order_id, _ in page.orders]
        if ids != sorted(ids, reverse=True):
            yield f"a page lists {ids[:5]} …, {_when(page)}"
        oldest = min(ids) if page.full and ids else 0
        there = set(ids)
        for ended, order_id in confirmed:
            if ended > page.began:
                break
            if order_id > oldest and order_id not in there:
                yield f"order {order_id} was confirmed, and a page lacks it, {_when(page)}"


def _by_product(sights: Iterator[Sight] | Sequence[Sight]) -> dict[int, list[Sight]]:
    found: dict[int, list[Sight]] = defaultdict(list)
    for sight in sights:
        found[sight.product].append(sight)
    return found


def _when(sight: Sight | OrderSight | Page) -> str:
    return f"from {sight.began:.3f} to {sight.ended:.3f} s"


RULES = (
    a_stock_that_is_read_was_there,
    a_price_that_is_read_was_set,
    an_order_that_is_read_never_goes_back,
    a_list_holds_what_was_confirmed,
)
