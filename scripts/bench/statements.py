"""The shop's own write statements as pgbench scripts, compiled from where the shop has them."""

from bench.pgbench import ended, script
from shop.reservations import RESERVE_ONE
from shop.saga import CONFIRM, PLACE

# pgbench has numbers only. A number of up to 19 digits, padded, reads as a UUID.
_RESERVATION = "lpad(:reservation::text, 32, '0')"
_LINES = """'[{"product_id": ' || :product::text || ', "quantity": 1}]'"""
_RESERVE = {
    "reservation_id": _RESERVATION,
    "lines": _LINES,
    "product_id": ":product",
    "quantity": "1",
}


def draw(products: int) -> str:
    """Choose a product from 1 to `products`, and the number of a reservation."""
    return (
        f"\\set product random(1, {products})\n"
        "\\set reservation random(1, 9223372036854775806)\n"
    )  # fmt: skip


def reserve() -> str:
    """Write what reserve_stock runs for one piece of the product that was drawn."""
    return ended(script(RESERVE_ONE, _RESERVE))


def saga() -> str:
    """Write what an order of one piece runs: place, reserve, confirm with the event; 3 commits."""
    place = {"reservation_id": _RESERVATION, "items": _LINES, "account": "''"}
    return (
        ended(script(PLACE, place), into_variables=True)
        + ended(script(RESERVE_ONE, _RESERVE), into_variables=True)
        + ended(script(CONFIRM, {"id": ":id", "answer": ":body"}))
    )
