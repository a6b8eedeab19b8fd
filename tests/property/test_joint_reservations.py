"""Whatever comes together, to whichever process: stock is exact, and nobody is refused in vain."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.functions import Function
from tests.support.shop import Answer, Api, Shop
from tests.support.tables import Inventory

PROCESSES = 2


class Wish(NamedTuple):
    """A reservation that is sent: which, to which process, of what, and whether it is released."""

    number: int
    process: int
    product: int
    quantity: int
    released: bool


@st.composite
def wishes(draw: st.DrawFn) -> list[Wish]:
    """Some that come several times over, most of them for the same product."""
    number = draw(st.integers(1, 25))
    asked = [
        (draw(st.sampled_from([1, 1, 1, 2])), draw(st.integers(1, 4)), draw(st.integers(0, 9)) == 0)
        for _ in range(number)
    ]
    sent = draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=60))
    return [Wish(n, draw(st.integers(0, PROCESSES - 1)), *asked[n]) for n in sent]


@pytest.fixture
def processes(shop: Shop) -> Iterator[list[Function]]:
    """Instances of reserve_stock, as pods of it would be: each joins what comes to itself."""
    found = [shop.host.serve("reserve_stock", shop.settings_of("reserve_stock"))
             for _ in range(PROCESSES)]  # fmt: skip
    yield found
    shop.host.stop(*found)


def test_what_comes_together_is_decided_as_if_it_came_one_after_the_other(
    shop: Shop, inventory: Inventory, processes: list[Function]
) -> None:
    with asyncio.Runner() as runner:
        api = runner.run(_client(shop))

        @settings(max_examples=settings().max_examples // 3)
        @given(stock=st.integers(0, 60), threshold=st.integers(0, 20), sent=wishes())
        def hold(stock: int, threshold: int, sent: list[Wish]) -> None:
            inventory.empty()
            for _ in range(2):
                inventory.add("Lamp", stock=stock, threshold=threshold)
            answers = runner.run(_send(api, processes, sent))
            _check(inventory, stock, threshold, sent, answers)

        try:
            hold()
        finally:
            runner.run(api.close())


async def _client(shop: Shop) -> Api:
    return Api(shop)


async def _send(api: Api, processes: list[Function], sent: list[Wish]) -> list[Answer]:
    ids = [uuid4() for _ in range(1 + max(wish.number for wish in sent))]

    async def reserve(wish: Wish) -> Answer:
        items = [{"product_id": wish.product, "quantity": wish.quantity}]
        body = {"reservation_id": str(ids[wish.number]), "items": items}
        url = f"{processes[wish.process].address}/reservations"
        answer = await api.send("POST", url, body=body)
        if wish.released:
            assert (await api.release(ids[wish.number])).status == 200
        return answer

    return await asyncio.gather(*(reserve(wish) for wish in sent))


def _check(
    inventory: Inventory, stock: int, threshold: int, sent: list[Wish], answers: list[Answer]
) -> None:
    assert inventory.differences() == []
    by_number: defaultdict[int, set[tuple[int, bytes]]] = defaultdict(set)
    asked: Counter[int] = Counter()
    held: Counter[int] = Counter()
    for wish, answer in zip(sent, answers, strict=True):
        assert answer.status in (200, 409), answer
        if answer.problem_or_none == "reservation-released":
            assert wish.released
            continue
        by_number[wish.number].add((answer.status, answer.body))
        if answer.status == 409:
            (short,) = answer.json["products"]
            assert (short["product_id"], short["requested"]) == (wish.product, wish.quantity)
            assert 0 <= short["available"] < wish.quantity
    assert all(len(same) == 1 for same in by_number.values())
    for wish in {wish.number: wish for wish in sent}.values():
        asked[wish.product] += wish.quantity
        if not wish.released and {status for status, _ in by_number[wish.number]} == {200}:
            held[wish.product] += wish.quantity
    for product in (1, 2):
        # A product of which there was enough for all refused nobody.
        refused = [answer for wish, answer in zip(sent, answers, strict=True)
                   if wish.product == product
                   and answer.problem_or_none == "insufficient-stock"]  # fmt: skip
        assert asked[product] > stock or not refused
        assert inventory.stock(product) == stock - held[product]
        releases = any(wish.released for wish in sent if wish.product == product)
        if not releases:
            crossed = stock > threshold >= stock - held[product]
            warned = [event for event in inventory.events("product.stock_low")
                      if event[1] == str(product)]  # fmt: skip
            assert len(warned) == int(crossed)
