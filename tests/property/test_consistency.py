"""Any interleaving of the shop's commands, crashes and retries keeps its databases consistent."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shop.errors import DependencyDown
from tests.support.faults import Crash, Moment, Saboteur
from tests.support.invariants import hold_always, hold_when_settled
from tests.support.shop import Answer, Api, Shop
from tests.support.tables import Inventory, Orders

Result = TypeVar("Result")
Lines = list[tuple[int, int]]

MOST_PRODUCTS = 3
KEYS = ["a", "b", "c"]

products = st.integers(1, MOST_PRODUCTS)
# Which of the orders that there are; the last is one that there is not.
choices = st.integers(0, 12)
quantities = st.integers(1, 4)
lines = st.lists(st.tuples(products, quantities), min_size=1, max_size=4)
keys = st.sampled_from(KEYS)
moments: st.SearchStrategy[Moment] = st.sampled_from(["before", "after"])
# The process ends; or it lives on, and what it called does not answer.
failures = st.sampled_from([Crash, DependencyDown])
# Calls come twice, since what is lost there matters most.
order_steps = st.sampled_from(["place_order", *["RESERVE_STOCK_URL"] * 2, "confirm_order"])
reject_steps = st.sampled_from(["RESERVE_STOCK_URL", "reject_order"])
cancel_steps = st.sampled_from(["cancel_order", *["RELEASE_STOCK_URL"] * 2, "stamp_released"])
settle_steps = st.sampled_from(
    ["cancel_stuck_orders", "unreleased_orders", *["RELEASE_STOCK_URL"] * 3, "stamp_released"]
)


class Commands(RuleBasedStateMachine):
    """Random commands; what they must answer follows from the databases before them."""

    shop: Shop
    api: Api
    inventory: Inventory
    orders: Orders
    runner: asyncio.Runner
    saboteurs: dict[str, Saboteur]

    def __init__(self) -> None:
        super().__init__()
        self.inventory.empty()
        self.orders.empty()
        self.unkeyed = 0
        # By key: the lines that it was first used with, and the first answer, once there is one.
        self.keyed: dict[str, tuple[Lines, Answer | None]] = {}

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(coroutine)

    # --- the catalogue ------------------------------------------------------------------------

    @initialize(stocks=st.lists(st.integers(0, 12), min_size=1, max_size=MOST_PRODUCTS))
    def open_the_shop(self, stocks: list[int]) -> None:
        for stock in stocks:
            body = {"name": "Lamp", "price": 0.1, "stock": stock, "low_stock_threshold": 5}
            assert self.run(self.api.post("/products", body)).status == 201

    @precondition(lambda self: len(self.stock()) < MOST_PRODUCTS)
    @rule(stock=st.integers(0, 12))
    def create_a_product(self, stock: int) -> None:
        body = {"name": "Chair", "price": 19.99, "stock": stock}
        assert self.run(self.api.post("/products", body)).status == 201

    @rule(product=products, quantity=quantities)
    def restock(self, product: int, quantity: int) -> None:
        before = self.stock()
        answer = self.run(self.api.post(f"/products/{product}/stock", {"quantity": quantity}))
        if product in before:
            assert (answer.status, answer.json["stock"]) == (200, before[product] + quantity)
        else:
            assert answer.status == 404

    @rule(product=products, count=st.integers(0, 12), stale=st.booleans())
    def take_stock(self, product: int, count: int, *, stale: bool) -> None:
        before = self.stock()
        tag = self.run(self.api.get(f"/products/{product}")).headers.get("etag", '"1.1"')
        if stale:
            tag = '"' + tag.strip('"').partition(".")[0] + f'.{before.get(product, 0) + 1}"'
        body = {"name": "Counted", "price": 2.5, "stock": count}
        answer = self.run(self.api.put(f"/products/{product}", body, headers={"If-Match": tag}))
        expected = 404 if product not in before else 412 if stale else 200
        assert answer.status == expected

    @rule(product=products)
    def delete_the_product(self, product: int) -> None:
        known = product in self.stock()
        answer = self.run(self.api.delete(f"/products/{product}"))
        assert answer.status == (204 if known else 404)

    # --- orders -------------------------------------------------------------------------------

    @rule(wanted=lines)
    def order(self, wanted: Lines) -> None:
        expected = self.expected_of(wanted)
        self.unkeyed += 1
        answer = self.run(self.place(wanted))
        assert answer.status == expected

    @rule(wanted=lines, key=keys, again=st.booleans())
    def order_with_a_key(self, wanted: Lines, key: str, *, again: bool) -> None:
        first, stored = self.keyed.get(key, (wanted, None))
        if again:
            wanted = first
        is_new = key not in self.keyed
        expected = self.expected_of(wanted)
        answer = self.run(self.place(wanted, key))
        if wanted != first:
            assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
            return
        if stored is not None:
            assert (answer.status, answer.body) == (stored.status, stored.body)
        elif is_new:
            assert answer.status == expected
        else:
            assert answer.status in (201, 404, 409)
        self.keyed[key] = (wanted, answer)

    @rule(
        wanted=lines,
        key=st.none() | keys,
        moment=moments,
        step=order_steps | reject_steps,
        failure=failures,
    )
    def fail_an_order(
        self,
        wanted: Lines,
        key: str | None,
        moment: Moment,
        step: str,
        failure: type[BaseException],
    ) -> None:
        saboteur = self.saboteurs["create_order"]
        saboteur.arm(moment, step, failure())
        answer = self.run(self.place(wanted, key))
        saboteur.disarm()
        self.remember(wanted, key, answer)

    @rule(choice=choices, key=st.none() | keys)
    def cancel(self, choice: int, key: str | None) -> None:
        order = self.chosen(choice)
        before = self.statuses().get(order)
        answer = self.run(self.api.post(f"/orders/{order}/cancel", key=key))
        if key is None:
            expected = {None: 404, "rejected": 409}.get(before, 200)
            assert answer.status == expected
        else:
            assert answer.status in (200, 404, 409, 422)
        if answer.status == 200:
            assert answer.json["status"] == "cancelled"

    @rule(
        choice=choices,
        key=st.none() | keys,
        moment=moments,
        step=cancel_steps,
        failure=failures,
    )
    def fail_a_cancel(
        self, choice: int, key: str | None, moment: Moment, step: str, failure: type[BaseException]
    ) -> None:
        order = self.chosen(choice)
        saboteur = self.saboteurs["cancel_order"]
        saboteur.arm(moment, step, failure())
        answer = self.run(self.api.post(f"/orders/{order}/cancel", key=key))
        saboteur.disarm()
        assert answer.status in (200, 404, 409, 422, 500, 503)

    @rule()
    def settle(self) -> None:
        assert self.run(self.api.settle()).status == 204
        assert "pending" not in self.statuses().values()

    @rule(moment=moments, step=settle_steps, failure=failures)
    def fail_settling(self, moment: Moment, step: str, failure: type[BaseException]) -> None:
        saboteur = self.saboteurs["settle_orders"]
        saboteur.arm(moment, step, failure())
        answer = self.run(self.api.settle())
        saboteur.disarm()
        assert answer.status in (204, 500, 503)

    @rule(choice=choices)
    def let_a_reserve_arrive_late(self, choice: int) -> None:
        for reservation_id, items in self.orders.rows(
            "SELECT reservation_id, items FROM orders WHERE id = %s AND status <> 'confirmed'",
            self.chosen(choice),
        ):
            wanted = [(item["product_id"], item["quantity"]) for item in items]
            answer = self.run(self.api.reserve(reservation_id, wanted))
            assert answer.status in (200, 404, 409)

    @rule(choice=choices)
    def let_a_release_arrive_twice(self, choice: int) -> None:
        for (reservation_id,) in self.orders.rows(
            "SELECT reservation_id FROM orders WHERE id = %s AND status = 'cancelled'",
            self.chosen(choice),
        ):
            assert self.run(self.api.release(reservation_id)).status == 200

    @rule(
        placed=st.lists(st.tuples(lines, st.none() | keys), max_size=5),
        cancelled=st.lists(choices, max_size=3),
        restocked=st.lists(products, max_size=2),
        settles=st.integers(0, 2),
    )
    def do_it_all_at_once(
        self,
        placed: list[tuple[Lines, str | None]],
        cancelled: list[int],
        restocked: list[int],
        settles: int,
    ) -> None:
        async def everything() -> list[Answer]:
            return await asyncio.gather(
                *(self.place(wanted, key) for wanted, key in placed),
                *(self.api.post(f"/orders/{self.chosen(c)}/cancel") for c in cancelled),
                *(self.api.post(f"/products/{p}/stock", {"quantity": 1}) for p in restocked),
                *(self.api.settle() for _ in range(settles)),
            )

        used = {key: body for body, key in reversed(placed) if key and key not in self.keyed}
        answers = self.run(everything())
        note(f"answers: {[answer.status for answer in answers]}")
        assert {answer.status for answer in answers} <= {200, 201, 204, 404, 409, 422}
        for (wanted, key), answer in zip(placed, answers, strict=False):
            # Of several bodies under a new key, the one that was not refused was the first.
            if key in used and answer.problem_or_none == "idempotency-key-reused":
                continue
            self.remember(wanted, key, answer)

    # --- what always holds --------------------------------------------------------------------

    @invariant()
    def the_databases_agree(self) -> None:
        hold_always(self.inventory, self.orders)
        placed = sum(self.orders.statuses().values())
        assert placed <= self.unkeyed + len(self.keyed)
        assert self.orders.value("SELECT count(DISTINCT order_id) = count(order_id)"
                                 " FROM idempotency_keys")  # fmt: skip

    def teardown(self) -> None:
        for saboteur in self.saboteurs.values():
            saboteur.disarm()
        assert self.run(self.api.settle()).status == 204
        hold_when_settled(self.inventory, self.orders)
        for key, (wanted, stored) in self.keyed.items():
            first, second = (self.run(self.place(wanted, key)) for _ in range(2))
            assert (first.status, first.body) == (second.status, second.body)
            if stored is not None:
                assert (first.status, first.body) == (stored.status, stored.body)
        hold_when_settled(self.inventory, self.orders)

    # --- what the commands are made of --------------------------------------------------------

    async def place(self, wanted: Lines, key: str | None = None) -> Answer:
        items = [{"product_id": p, "quantity": q} for p, q in wanted]
        return await self.api.post("/orders", {"items": items}, key=key)

    def remember(self, wanted: Lines, key: str | None, answer: Answer) -> None:
        """What a placed order says of later ones with its key."""
        if key is None:
            self.unkeyed += 1
            return
        known = "SELECT count(*) FROM idempotency_keys WHERE route = 'create_order' AND key = %s"
        if not self.orders.value(known, key):
            return  # It crashed before anything was written.
        first, stored = self.keyed.setdefault(key, (wanted, None))
        if first != wanted:
            assert answer.status in (422, 500, 503)
        elif stored is not None and answer.status < 500:
            assert (answer.status, answer.body) == (stored.status, stored.body)
        elif answer.status < 500:
            self.keyed[key] = (wanted, answer)

    def chosen(self, choice: int) -> int:
        orders = sorted(self.statuses())
        return orders[choice % len(orders)] if orders and choice < 12 else 2**62

    def stock(self) -> dict[int, int]:
        return dict(self.inventory.rows("SELECT id, stock FROM products WHERE deleted_at IS NULL"))

    def statuses(self) -> dict[int, str]:
        return dict(self.orders.rows("SELECT id, status FROM orders"))

    def expected_of(self, wanted: Lines) -> int:
        stock = self.stock()
        if any(product not in stock for product, _ in wanted):
            return 404
        totals: dict[int, int] = {}
        for product, quantity in wanted:
            totals[product] = totals.get(product, 0) + quantity
        return 201 if all(stock[product] >= q for product, q in totals.items()) else 409


async def _client(shop: Shop) -> Api:
    return Api(shop)


def test_any_interleaving_of_commands_crashes_and_retries_stays_consistent(
    shop: Shop, inventory: Inventory, orders: Orders
) -> None:
    shop.replace("create_order")
    shop.replace("cancel_order")
    shop.replace("settle_orders", ORDER_STUCK_SECONDS="0.0001")
    with asyncio.Runner() as runner:
        api = runner.run(_client(shop))

        class Here(Commands):
            pass

        Here.shop, Here.inventory, Here.orders = shop, inventory, orders
        Here.api, Here.runner = api, runner
        Here.saboteurs = {
            name: Saboteur(shop[name]) for name in ("create_order", "cancel_order", "settle_orders")
        }
        try:
            run_state_machine_as_test(Here)
        finally:
            runner.run(api.close())
