"""The verbs of scripts/task that work on a shop which runs."""

import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from typing import Any
from uuid import uuid4

from local.layout import ROOT
from tests.support.live import Client, Live, until

_TASK = str(ROOT / "scripts" / "task")
_SECONDS = 120.0


async def task(running: Live, *words: str) -> tuple[int, str]:
    """Exit status and output of a verb."""
    child = await asyncio.create_subprocess_exec(
        _TASK, *words, env=running.environment(), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(_SECONDS):
        output, _ = await child.communicate()
    return child.returncode or 0, output.decode()


async def test_seed_fills_the_shop_once(client: Client, running: Live) -> None:
    await running.emptied()
    status, output = await task(running, "seed")
    assert status == 0, output
    assert "40 products made" in output
    listed = (await client.get("/api/products?limit=500")).json
    assert len(listed) == 40
    assert all(product["category"] and product["image_url"] for product in listed)

    status, output = await task(running, "seed")
    assert status == 0, output
    assert "0 products made, 40 already there" in output
    assert (await client.get("/api/products?limit=500")).json == listed


async def test_load_prints_rates_and_percentiles(client: Client, running: Live) -> None:
    await client.product(stock=100_000)
    placed = len((await client.get("/api/orders?limit=500&status=confirmed")).json)
    status, output = await task(running, "load", "--", "--reads", "200", "--orders", "20")
    assert status == 0, output
    assert re.search(r"GET /api/products +200\b", output), output
    assert re.search(r"POST /api/orders +20\b", output), output
    assert "p99" in output
    assert len((await client.get("/api/orders?limit=500&status=confirmed")).json) == placed + 20


async def test_tail_prints_events_as_they_go_by(client: Client, running: Live) -> None:
    child = await asyncio.create_subprocess_exec(
        _TASK, "events:tail", env=running.environment(),
        stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        async with asyncio.timeout(_SECONDS):
            while b"Watching" not in await child.stdout.readline():
                pass
            name = str(uuid4())
            # The consumer stands at the end of the topics some moments after it says so.
            while True:
                await client.product(name=name)
                line = await _line_within(child.stdout, 2.0)
                if line is not None and name in line:
                    break
    finally:
        os.killpg(child.pid, signal.SIGINT)  # As Ctrl-C in a terminal: to all of them.
        async with asyncio.timeout(_SECONDS):
            await child.wait()
    assert "product.created" in line
    assert "inventory-events" in line


async def _line_within(stream: asyncio.StreamReader, seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            return (await stream.readline()).decode()
    except TimeoutError:
        return None


async def test_an_event_can_be_sent_by_hand(client: Client, running: Live) -> None:
    name = f"Clock {uuid4()}"
    data = {"product_id": 4711, "product": name}
    status, output = await task(
        running, "events:emit", "TYPE=product.deleted", f"DATA={json.dumps(data)}",
        "SUBJECT=products/4711",
    )  # fmt: skip
    assert status == 0, output

    async def told() -> list[Any]:
        found = (await client.get("/api/notifications?type=product.deleted&limit=500")).json
        return [each for each in found if name in each["message"]]

    (one,) = await until(told, "the event is told of")
    assert (one["subject"], one["source"]) == ("products/4711", "/shophub/inventory")


async def test_data_of_another_shape_are_refused(running: Live) -> None:
    for data in ('{"product_id": 1}', "no JSON"):
        status, output = await task(running, "events:emit", "TYPE=product.deleted", f"DATA={data}")
        assert status != 0
        assert "product" in output or "JSON" in output
    status, output = await task(running, "events:emit", "TYPE=product.vanished", "DATA={}")
    assert status != 0
    assert "product.created" in output


async def test_a_poison_event_is_kept_as_a_dead_letter_and_told_of_once_it_is_mended(
    client: Client, running: Live
) -> None:
    name = f"Vase {uuid4()}"
    poison = json.dumps({"product_id": "none", "product": name})
    status, output = await task(
        running, "events:emit", "TYPE=product.deleted", f"DATA={poison}",
        "SUBJECT=products/4712", "--", "--unchecked",
    )  # fmt: skip
    assert status == 0, output
    (event_id,) = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", output)

    async def kept() -> list[Any]:
        found = (await client.get("/api/dead-letters?limit=500")).json
        return [letter for letter in found if letter["event_id"] == event_id]

    (letter,) = await until(kept, "the poison event is a dead letter")
    assert letter["type"] == "com.shophub.product.deleted.v1"
    assert letter["error_code"] == 400
    assert "product_id" in letter["error"]
    assert letter["replayed_at"] is None
    assert json.loads(letter["data"]) == json.loads(poison)

    # Sent as it was, it comes back.
    one = ("--", "--id", str(letter["id"]))
    status, output = await task(running, "events:replay", *one)
    assert (status, "is on inventory-events again" in output) == (0, True), output

    async def waits_again() -> bool:
        (again,) = await kept()
        return bool(again["received_at"] > letter["received_at"] and again["replayed_at"] is None)

    await until(waits_again, "the poison event is a dead letter again")

    # An operator mends it, and sends it twice: it is told of once.
    with running.tables() as (_inventory, _orders, notifications):
        mended = json.dumps({"product_id": 4712, "product": name})
        notifications.run("UPDATE dead_letters SET data = %s WHERE id = %s", mended, letter["id"])
    for _ in range(2):
        status, output = await task(running, "events:replay", *one)
        assert status == 0, output
    await running.settled()
    found = (await client.get("/api/notifications?type=product.deleted&limit=500")).json
    assert [each["event_id"] for each in found if name in each["message"]] == [event_id]
    (answered,) = await kept()
    assert answered["replayed_at"] is not None


async def test_status_names_every_process(running: Live) -> None:
    status, output = await task(running, "status")
    assert status == 0, output
    for name, process in running.state.processes.items():
        assert re.search(rf"^ +{name} +{process['pid']}\b", output, re.MULTILINE), name
