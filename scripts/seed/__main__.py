"""`python -m seed`: fills the shop at SHOP_URL; a second run adds only what is missing."""

import asyncio
import os
import sys

from seed.catalogue import load_catalogue
from seed.fill import fill, summary
from seed.shop import SeedError, Shop


async def seed() -> int:
    """Fill the shop that the environment names and return the exit code."""
    url = os.environ.get("SHOP_URL") or "http://localhost:8080"
    print(f"Filling the shop at {url}", flush=True)
    async with Shop(url, os.environ.get("SHOP_HOST")) as shop:
        try:
            outcome = await fill(shop, load_catalogue())
        except SeedError as error:
            print(error, file=sys.stderr)
            return 1
    print(summary(outcome))
    if outcome.failure:
        print(outcome.failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(seed()))
    except KeyboardInterrupt:
        sys.exit(130)
