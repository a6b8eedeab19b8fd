"""The trials: each does something to the shop on the cluster, and says what became of it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from cluster import deploy, image, waiting
from cluster.address import Address
from cluster.kubectl import NAMESPACE, ClusterError, Object, condition, get, kubectl, name_of
from cluster.prove.books import Books, UnprovenError, expect
from cluster.prove.letters import notifications_refused
from cluster.prove.prometheus import prometheus
from cluster.prove.traffic import Shop, Tally, orders, reads
from local.layout import ROOT

_PIECES = 100_000
# It lasts for longer than a pod takes to come.
_BURST_ORDERS, _BURST_PIECES = 3_000, 1_800
_NOTIFIER = "notify-order"
_DISTURBED_SECONDS = 40.0
# Between the requests that a trial sends while something happens to the shop.
_PAUSE = 0.1


async def update(place: Address) -> None:
    """Replace every function under load: no request may fail."""
    shop = Shop(place)
    try:
        product = await shop.product(_PIECES)
        books = Books.opened()
        over = asyncio.Event()

        async def load() -> tuple[Tally, Tally]:
            sold, seen = Tally(), Tally()
            while not over.is_set():
                await shop.order(product, sold)
                await shop.read(f"/api/products/{product}", seen)
                await shop.read("/api/products", seen)
                await asyncio.sleep(_PAUSE)
            return sold, seen

        running = asyncio.create_task(load())
        await asyncio.sleep(3)
        stamp = str(int(time.time()))
        await asyncio.to_thread(deploy.deploy, os.environ.get("OVERLAY") or "minikube", stamp)
        await asyncio.sleep(5)
        over.set()
        sold, seen = await running
        print(f"    {len(sold.latencies)} orders, {len(seen.latencies)} reads meanwhile")
        failed = sold.failed + seen.failed
        await asyncio.to_thread(books.settle)
        wrong = books.faults(confirmed=sold.confirmed, product=product, initial=_PIECES)
        if failed:
            wrong.append(f"{failed} requests failed: {dict(sold.statuses)}, {dict(seen.statuses)}")
        expect("an update under load, no request failed", wrong)
    finally:
        await shop.close()


async def burst(place: Address) -> None:
    """From rest to a hundred orders at once: pods come, and go; no request fails."""
    shop = Shop(place)
    try:
        product = await shop.product(_BURST_PIECES)
        books = Books.opened()
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                pods = await asyncio.to_thread(waiting.pods_of, "create-order")
                most = max(most, len(_running(pods)))
                await asyncio.sleep(1)

        watching = asyncio.create_task(watch())
        tally = await orders(shop, product, clients=100, number=_BURST_ORDERS)
        watching.cancel()
        print(f"    {tally}", flush=True)
        print(f"    create-order: up to {most} pods", flush=True)
        await asyncio.to_thread(books.settle)
        wrong = books.faults(confirmed=tally.confirmed, product=product, initial=_BURST_PIECES)
        refused = _BURST_ORDERS - _BURST_PIECES
        if (tally.confirmed, tally.refused) != (_BURST_PIECES, refused):
            wrong.append(f"{tally.confirmed} of {_BURST_PIECES} sold, {tally.refused} refused")
        if most < 2:
            wrong.append("no pod came to help")
        if tally.failed:
            wrong.append(f"{tally.failed} requests failed")
        expect(f"{_BURST_ORDERS} orders by 100 clients for {_BURST_PIECES} pieces", wrong)
        await asyncio.to_thread(_await_pods, "create-order", 1)
        await asyncio.to_thread(_await_pods, _NOTIFIER, 0)
        print("    pods are back: create-order 1, notify-order 0", flush=True)
    finally:
        await shop.close()


def _running(pods: list[Object]) -> list[str]:
    return [
        name_of(pod)
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and condition(pod, "Ready").get("status") == "True"
    ]


def _await_pods(function: str, number: int, seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while len(_running(waiting.pods_of(function))) != number:
        if time.monotonic() > deadline:
            raise UnprovenError(f"{function} has not come to {number} pods within {seconds:g} s")
        time.sleep(2)


async def faults(place: Address) -> None:
    """One part after another dies under load."""
    await _disturbed(place, "a pod of create_order deleted", _delete_pod_of("create-order"))
    await _disturbed(place, "the orders' relay deleted", _delete_pod_of("orders-relay"))
    await _disturbed(place, "a pod of the gateway deleted", _delete_pod_of("gateway"))
    await _disturbed(place, "Kafka restarted", _restart("kafka"))
    await _disturbed(place, "PostgreSQL restarted", _restart("postgres"))
    await _disturbed(place, "a notifier that answers 503 for a minute", _refuse_for_a_minute)


async def _disturbed(place: Address, what: str, disturb: Callable[[], Awaitable[None]]) -> None:
    print(f"  {what}", flush=True)
    shop = Shop(place)
    try:
        product = await shop.product(_PIECES)
        books = Books.opened()
        load = asyncio.create_task(
            orders(shop, product, clients=4, seconds=_DISTURBED_SECONDS, pause=_PAUSE)
        )
        await asyncio.sleep(5)
        await disturb()
        tally = await load
        print(f"    {tally}", flush=True)
        took = await asyncio.to_thread(books.settle)
        print(f"    settled {took:.0f} s after the last order", flush=True)
        wrong = books.faults(confirmed=tally.confirmed, product=product, initial=_PIECES)
        if tally.given_up:
            wrong.append(f"{tally.given_up} orders never had an answer")
        expect(what, wrong)
    finally:
        await shop.close()


def _delete_pod_of(name: str) -> Callable[[], Awaitable[None]]:
    async def act() -> None:
        pods = await asyncio.to_thread(waiting.pods_of, name)
        await asyncio.to_thread(
            kubectl, "-n", NAMESPACE, "delete", "pod", name_of(pods[0]), "--wait=false", "--now"
        )

    return act


def _restart(name: str) -> Callable[[], Awaitable[None]]:
    async def act() -> None:
        await asyncio.to_thread(
            kubectl, "-n", NAMESPACE, "delete", "pod", f"{name}-0", "--wait=true"
        )
        await asyncio.to_thread(waiting.await_all, name, "statefulset", [name], waiting.rolled_out)

    return act


async def _refuse_for_a_minute() -> None:
    """The notifier answers 503 to every event: its database does not let it in."""
    async with notifications_refused():
        await asyncio.sleep(60)


async def counts(place: Address) -> None:
    """What pods count survives them: after they sleep, the sum over the window is exact."""
    shop = Shop(place)
    try:
        product = await shop.product(_PIECES)
        path = f"/api/products/{product}/stock"
        books = Books.opened()
        await asyncio.to_thread(books.settle)
        sold = 'order_orders_total{status="confirmed"}'
        told = 'notification_notifications_sent_total{type="order.created"}'
        asked = 'inventory_http_requests_total{function="receive_stock",status="200"}'
        await shop.send("POST", path, {"quantity": 1})  # Wakes it; its zeros are shown.
        await asyncio.sleep(25)
        with prometheus() as watching:
            start = watching.samples(sold, "1m")[-1][0]

        tally = await orders(shop, product, clients=60, number=400)
        sent = await _restock(shop, path, 300)
        print(f"    {tally.confirmed} orders, {sent} deliveries of stock", flush=True)
        await asyncio.to_thread(books.settle)
        for function in ("receive-stock", _NOTIFIER):
            await asyncio.to_thread(_await_pods, function, 0)
        minutes = float(os.environ.get("PROOF_MINUTES") or 10)
        print(f"    the pods sleep; {minutes:g} minutes later:", flush=True)
        await asyncio.sleep(minutes * 60)

        wrong = []
        with prometheus() as watching:
            for name, selector, wanted, off in (
                ("orders", sold, tally.confirmed, 0.0),
                ("notifications", told, tally.confirmed, 0.0),
                ("requests of a function that sleeps", asked, sent, 0.01),
            ):
                end = watching.samples(selector, "1m")[-1][0]
                found = watching.increase(selector, start, end)
                print(
                    f"    sum(increase({selector}[…])) = {found:.3f}, {wanted} {name}", flush=True
                )
                if abs(round(found) - wanted) > wanted * off:
                    wrong.append(f"{found:.2f} {name} of {wanted}")
        expect("what was counted", wrong)
    finally:
        await shop.close()


async def _restock(shop: Shop, path: str, number: int) -> int:
    """Sixty clients deliver stock, so that several pods count; how many were answered with 200."""
    answered = 0
    left = iter(range(number))

    async def client() -> None:
        nonlocal answered
        for _ in left:
            status, _document = await shop.send("POST", path, {"quantity": 1})
            answered += status == 200

    await asyncio.gather(*(client() for _ in range(60)))
    return answered


async def rates(place: Address) -> None:
    """Requests a second through the gateway."""
    shop = Shop(place)
    try:
        product = await shop.product(_PIECES)
        with suppress(ClusterError):
            await shop.send("GET", "/api/products")
        found = await reads(shop, "/api/products?limit=20", clients=16, seconds=20)
        print(f"    GET /api/products, 16 clients: {found}", flush=True)
        found = await orders(shop, product, clients=16, seconds=20)
        print(f"    POST /api/orders, 16 clients: {found}", flush=True)
    finally:
        await shop.close()


async def suite(place: Address) -> None:
    """The end-to-end suite, against the cluster."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/e2e"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=os.environ | place.environment, check=False
    )
    if done.returncode:
        raise UnprovenError("the end-to-end suite fails on the cluster")


async def ready(_: Address) -> None:
    """Everything is Ready."""
    from cluster import status

    if not await asyncio.to_thread(status.status):
        raise UnprovenError("not everything is ready")
    images = {c["image"] for pod in get("pods") for c in pod["spec"]["containers"]}
    print(f"    image {image.FUNCTIONS.reference in images and image.FUNCTIONS.reference}")
