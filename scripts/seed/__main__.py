"""`python -m seed`: fills this machine's shop, or SHOP_URL's; a second run adds what is missing."""

import asyncio
import os
import sys

from local.layout import PlatformError, shop_url
from seed.catalogue import load_catalogue
from seed.fill import fill, summary
from seed.shop import SeedError, Shop


async def seed() -> int:
    """Fill the shop that the environment names and return the exit code."""
    try:
        url = shop_url()
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
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
