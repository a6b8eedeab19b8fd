"""Brings the shop's catalogue up to the sample's: creates what is missing, changes nothing."""

import asyncio
from dataclasses import dataclass, field

from seed.catalogue import Product, shelved
from seed.shop import SeedError, Shop

AT_ONCE = 4


@dataclass
class Outcome:
    """What one run did."""

    made: list[Product] = field(default_factory=list)
    already_there: list[Product] = field(default_factory=list)
    deleted: list[Product] = field(default_factory=list)
    """Accepted but not listed: the shop replayed its answer of before they were deleted."""
    failure: SeedError | None = None


async def fill(shop: Shop, catalogue: list[Product]) -> Outcome:
    """Create what the shop does not have, a few at a time, and stop at the first failure."""
    outcome = Outcome()
    listed = await shop.names()
    outcome.already_there = [product for product in catalogue if product.name in listed]
    missing = iter([product for product in shelved(catalogue) if product.name not in listed])

    async def create_next() -> None:
        for product in missing:
            if outcome.failure:
                return
            try:
                await shop.create(product)
            except SeedError as error:
                outcome.failure = outcome.failure or error
                return
            outcome.made.append(product)
            print(f"  {product.name:<42} {product.price:>9.2f} {product.stock:>5} in stock")

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(create_next())
    if outcome.made and not outcome.failure:
        listed = await shop.names()
        outcome.deleted = [product for product in outcome.made if product.name not in listed]
        outcome.made = [product for product in outcome.made if product.name in listed]
    return outcome


def summary(outcome: Outcome) -> str:
    """Tell the run in a sentence or two."""
    categories = len({product.category for product in outcome.made})
    made, there = len(outcome.made), len(outcome.already_there)
    text = f"{made} {'product' if made == 1 else 'products'} made"
    if made:
        text += f" in {categories} {'category' if categories == 1 else 'categories'}"
    text += f", {there} already there."
    if outcome.deleted:
        names = ", ".join(product.name for product in outcome.deleted)
        text += f"\nNot made, because they were deleted within the last 24 h: {names}."
    return text
