"""Clients that use a shop whatever happens, and write down what they saw.

They order one line and many, of a hot product and of others; they cancel, restock, count, change
prices, delete products that have open orders, repeat keys, and send the same request twice at
once. What has a key is repeated until it is answered; what has none is sent once.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import inf
from typing import Literal
from uuid import UUID

from tests.faults.history import Edit, Lines, OrderSight, Page, Sight
from tests.faults.seen import Restock, Seen, asked_for, once, order_body, outcome
from tests.support.live import Client
from tests.support.shop import Answer

_REPETITIONS = 25
_MOST_REPEATED = 600
_PAGE = 100
_MANY_LINES = 6
_RECENT = 200

Kind = Literal["order", "cancel", "restock", "count", "price", "delete", "read", "list"]
# How often each is done, out of their sum.
_SHARES: dict[Kind, int] = {
    "order": 50, "cancel": 6, "restock": 8, "count": 4, "price": 5, "delete": 1, "read": 20,
    "list": 6,
}  # fmt: skip


@dataclass(slots=True)
class Shoppers:
    """Clients whose choices follow from `seed`; their timing does not.

    `pause` is what each waits between two requests, `patience` for how long it repeats one.
    """

    url: str
    seed: int
    stock: int = 60
    clients: int = 8
    pause: float = 0.05
    patience: float = 45.0
    seen: Seen = field(default_factory=Seen)
    products: list[int] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _cents: int = 1000
    _late: list[Restock] = field(default_factory=list)

    async def open(self, number: int = 9) -> None:
        """Put products into the shop; the first is the hot one."""
        client = Client(self.url)
        try:
            for place in range(number):
                await self._create(client, self.stock * (8 if place == 0 else 1))
        finally:
            await client.close()

    async def run(self) -> None:
        """Use the shop until it is `over`."""
        client = Client(self.url)
        try:
            await asyncio.gather(*(self._use(client, n) for n in range(self.clients)))
        finally:
            await client.close()

    async def _use(self, client: Client, number: int) -> None:
        chance = random.Random(f"{self.seed}/{number}")
        kinds, weights = list(_SHARES), list(_SHARES.values())
        while not self.over.is_set():
            (kind,) = chance.choices(kinds, weights)
            match kind:
                case "order":
                    await self._order(client, chance)
                case "cancel":
                    await self._cancel(client, chance)
                case "restock":
                    await self._restock(client, chance)
                case "count" | "price":
                    await self._edit(client, chance, kind)
                case "delete":
                    await self._delete(client, chance)
                case "read":
                    await self._read(client, chance)
                case _:
                    await self._list(client)
            await asyncio.sleep(self.pause)

    def _lines(self, chance: random.Random) -> Lines:
        kind = chance.random()
        if kind < 0.45:
            return ((self.products[0], chance.randint(1, 3)),)
        if kind < 0.8:
            return ((chance.choice(self.products), chance.randint(1, 4)),)
        # A product may come twice; its lines are added up.
        number = chance.randint(2, _MANY_LINES)
        return tuple((chance.choice(self.products), chance.randint(1, 2)) for _ in range(number))

    async def _order(self, client: Client, chance: random.Random) -> None:
        lines = self._lines(chance)
        if chance.random() < 0.04:
            await self._order_once(client, lines)
            return
        key = str(UUID(int=chance.getrandbits(128), version=4))
        body = order_body(lines)
        began = time.monotonic()
        if chance.random() < 0.1:
            both = await asyncio.gather(
                self._insist(client, "/api/orders", key, body),
                self._insist(client, "/api/orders", key, body),
            )
            answers = [answer for answer in both if answer is not None]
        else:
            answer = await self._insist(client, "/api/orders", key, body)
            answers = [] if answer is None else [answer]
        ended = time.monotonic() if answers else inf
        for answer in answers:
            self.seen.note_order(answer, began, ended)
        self.seen.asked.append(asked_for(key, lines, answers, began, ended))

    async def _order_once(self, client: Client, lines: Lines) -> None:
        began = time.monotonic()
        answer = await once(client, "POST", "/api/orders", order_body(lines))
        ended = time.monotonic()
        answers = [] if answer is None else [answer]
        if answer is not None:
            self.seen.note_order(answer, began, ended)
        self.seen.asked.append(asked_for(None, lines, answers, began, ended))

    async def _cancel(self, client: Client, chance: random.Random) -> None:
        first = max(0, len(self.seen.asked) - _RECENT)
        own = [
            (place, asked)
            for place, asked in enumerate(self.seen.asked[first:], first)
            if asked.key and asked.outcome == "ok" and asked.cancelled is False
        ]
        if not own:
            return
        place, asked = chance.choice(own)
        order_id = int(asked.answers[0][1])
        # Taken before it is sent, so that nobody else takes it meanwhile.
        self.seen.asked[place] = replace(asked, cancelled=None)
        began = time.monotonic()
        path = f"/api/orders/{order_id}/cancel"
        answer = await self._insist(client, path, f"{asked.key}-cancel", None)
        if answer is not None:
            done = answer.status == 200
            self.seen.asked[place] = replace(self.seen.asked[place], cancelled=done)
            if done:
                sight = OrderSight(order_id, began, time.monotonic(), "cancelled")
                self.seen.order_sights.append(sight)

    async def _create(self, client: Client, stock: int) -> None:
        price = self._next_price()
        body = {"name": f"Piece {price}", "price": Decimal(price) / 100, "stock": stock}
        answer = await self._insist(client, "/api/products", f"create-{self.seed}-{price}", body)
        if answer is not None and answer.status == 201:
            self.products.append(answer.json["id"])

    def _next_price(self) -> int:
        """In cents; none is used twice."""
        self._cents += 1
        return self._cents

    async def _restock(self, client: Client, chance: random.Random) -> None:
        product, quantity = chance.choice(self.products), chance.randint(1, 30)
        key = str(UUID(int=chance.getrandbits(128), version=4))
        wish = Restock(product, quantity, key, time.monotonic())
        if not await self._deliver(client, wish):
            self._late.append(wish)

    async def _deliver(self, client: Client, wish: Restock) -> bool:
        path = f"/api/products/{wish.product}/stock"
        answer = await self._insist(client, path, wish.key, {"quantity": wish.quantity})
        if answer is None:
            return False
        ended = time.monotonic()
        good = answer.status == 200
        if good and "Idempotent-Replayed" not in answer.headers:
            self.seen.note_product(answer, wish.began, ended)
        self.seen.edits.append(wish.edit("ok" if good else "fail", ended))
        return True

    async def _edit(
        self, client: Client, chance: random.Random, kind: Literal["count", "price"]
    ) -> None:
        """Change what was just read, if it is still so."""
        product = chance.choice(self.products)
        read = await self._look(client, product)
        if read is None:
            return
        value = chance.randint(0, self.stock * 2) if kind == "count" else self._next_price()
        body = {"name": read.json["name"], "price": read.json["price"]}
        if kind == "count":
            body["stock"] = value
        else:
            body["price"] = Decimal(value) / 100
        headers = {"If-Match": read.headers["ETag"]}
        if kind == "price" and chance.random() < 0.3:
            headers = {}
        began = time.monotonic()
        answer = await once(client, "PUT", f"/api/products/{product}", body, headers)
        ended = time.monotonic()
        if answer is not None and answer.status == 200:
            self.seen.note_product(answer, began, ended)
        self.seen.edits.append(Edit(kind, product, value, outcome(answer), began, ended))

    async def _delete(self, client: Client, chance: random.Random) -> None:
        """Take a product out, whoever has ordered it, and put another in its place."""
        place = chance.randrange(1, len(self.products))
        product, began = self.products[place], time.monotonic()
        answer = await once(client, "DELETE", f"/api/products/{product}", None)
        self.seen.edits.append(Edit("delete", product, 0, outcome(answer), began, time.monotonic()))
        await self._create(client, self.stock)
        if self.products[place] == product:
            self.products.pop(place)

    async def _read(self, client: Client, chance: random.Random) -> None:
        if self.seen.confirmed and chance.random() < 0.5:
            order_id = chance.choice(self.seen.confirmed[-50:])
            began = time.monotonic()
            answer = await once(client, "GET", f"/api/orders/{order_id}", None)
            if answer is not None:
                status = answer.json["status"] if answer.status == 200 else "missing"
                self.seen.order_sights.append(OrderSight(order_id, began, time.monotonic(), status))
        else:
            await self._look(client, chance.choice(self.products))

    async def _look(self, client: Client, product: int) -> Answer | None:
        began = time.monotonic()
        answer = await once(client, "GET", f"/api/products/{product}", None)
        if answer is None or answer.status != 200:
            return None
        self.seen.note_product(answer, began, time.monotonic())
        return answer

    async def _list(self, client: Client) -> None:
        began = time.monotonic()
        answer = await once(client, "GET", f"/api/orders?limit={_PAGE}", None)
        if answer is not None and answer.status == 200:
            orders = tuple((order["id"], order["status"]) for order in answer.json)
            self.seen.pages.append(
                Page(began, time.monotonic(), orders, full=answer.next is not None)
            )
        began = time.monotonic()
        answer = await once(client, "GET", f"/api/products?limit={_PAGE}", None)
        if answer is not None and answer.status == 200:
            for shown in answer.json:
                self.seen.sights.append(
                    Sight(shown["id"], began, time.monotonic(), shown["stock"],
                          price=Decimal(shown["price"]))
                )  # fmt: skip

    async def ask_again(self) -> None:
        """Send what was never answered once more, and repeat some of the rest.

        Each answer must be as it was.
        """
        client = Client(self.url)
        slots = asyncio.Semaphore(_REPETITIONS)
        keyed = [place for place, asked in enumerate(self.seen.asked) if asked.key is not None]
        open_ = [place for place in keyed if not self.seen.asked[place].answers]
        chance = random.Random(self.seed)
        some = chance.sample(keyed, min(len(keyed), _MOST_REPEATED))

        async def repeat(place: int) -> None:
            asked = self.seen.asked[place]
            async with slots:
                body = order_body(asked.lines)
                answer = await self._insist(client, "/api/orders", asked.key or "", body)
            if answer is not None:
                again = asked_for(asked.key, asked.lines, [answer], asked.began, time.monotonic())
                self.seen.asked[place] = replace(
                    asked,
                    answers=asked.answers + again.answers,
                    totals=asked.totals + again.totals,
                    ended=min(asked.ended, again.ended),
                )

        try:
            await asyncio.gather(*(repeat(place) for place in {*open_, *some}))
            for wish in self._late:
                if not await self._deliver(client, wish):
                    self.seen.edits.append(wish.edit("unknown"))
            self._late.clear()
        finally:
            await client.close()

    async def _insist(self, client: Client, path: str, key: str, body: object) -> Answer | None:
        return await self.seen.insist(client, path, key, body, self.patience)
