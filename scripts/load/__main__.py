"""`python -m load`: reads and orders against the shop on this machine, with what they took."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from itertools import islice, repeat

from yarl import URL

from load.report import table
from load.run import Phase, Request, ShopError, open_session, send, spread, stocked_products
from load.target import TargetRefusedError, loopback_target
from local.layout import PlatformError, shop_url
from signed_in import SignedIn, SignInError

MOST_REQUESTS = 100_000
MOST_CLIENTS = 200


def bounded(least: int, most: int) -> Callable[[str], int]:
    """Make an argparse type: a whole number from `least` to `most`."""

    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most:,}")
        return value

    return number


def parse(arguments: list[str] | None, shop: str) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="load", description="Puts the shop on this machine under a short load."
    )
    requests, clients = bounded(0, MOST_REQUESTS), bounded(1, MOST_CLIENTS)
    parser.add_argument(
        "--reads", type=requests, default=1000, help="GET /api/products (%(default)s)"
    )
    parser.add_argument(
        "--orders", type=requests, default=50, help="POST /api/orders of one piece (%(default)s)"
    )
    parser.add_argument("--clients", type=clients, default=10, help="at a time (%(default)s)")
    parser.add_argument(
        "--url",
        default=shop,
        help="the gateway, on this machine; default SHOP_URL or that of `scripts/task up`",
    )
    return parser.parse_args(arguments)


async def load(shop: URL, host: str | None, *, reads: int, orders: int, clients: int) -> int:
    """Run both phases, print them and return the exit code."""
    products_url, orders_url = shop / "api" / "products", shop / "api" / "orders"
    phases: list[Phase] = []
    headers = SignedIn(str(shop), host).headers()
    async with open_session(clients, host, headers) as session:
        # Asked first, so that a shop that is not up is one sentence and not a thousand failures.
        pieces = list(islice(spread(await stocked_products(session, shop)), orders))
        print(f"{shop} with {clients} {'client' if clients == 1 else 'clients'}\n")
        if reads:
            to_read = repeat(Request("GET", products_url), reads)
            phases.append(await send(session, "GET /api/products", to_read, clients))
        if pieces:
            to_order = (
                Request("POST", orders_url, {"product_id": id_, "quantity": 1}) for id_ in pieces
            )
            phases.append(await send(session, "POST /api/orders", to_order, clients))
    if phases:
        print(table(phases))
    if len(pieces) < orders:
        print(
            f"\nOnly {len(pieces):,} of {orders:,} orders were sent: no more pieces are in stock. "
            "`scripts/task seed` fills the shop.",
            file=sys.stderr,
        )
    return 1 if any(phase.failed for phase in phases) or (orders and not pieces) else 0


def main(arguments: list[str] | None = None) -> int:
    """Return 0, 1 when an answer was 5xx or missing, or 2 when the target is refused."""
    try:
        default = shop_url()
        options = parse(arguments, default)
        shop = loopback_target(options.url, default)
        return asyncio.run(
            load(
                shop,
                os.environ.get("SHOP_HOST"),
                reads=options.reads,
                orders=options.orders,
                clients=options.clients,
            )
        )
    except TargetRefusedError as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except (PlatformError, ShopError, SignInError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
