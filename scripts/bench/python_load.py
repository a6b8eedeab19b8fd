"""The load generator where there is no Go: the flags and the output of loadgen/main.go.

A connection is an asyncio protocol that parses just what it needs. It costs several times what
the one in Go does, so the report names the generator.
"""

import argparse
import asyncio
import json
import math
import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop

_PAUSE_AFTER_ERROR = 0.02


@dataclass(slots=True)
class Tally:
    """What came back while the load was measured."""

    began: float
    ended: float
    taken: list[float] = field(default_factory=list)
    seconds: Counter[int] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    errors: int = 0
    size: int = 0

    def example(self, text: str) -> None:
        """Keep the first few answers that were not expected."""
        if len(self.examples) < 3:
            self.examples.append(text)


class Connection(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request under way."""
        self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Answer the waiter once the answer is whole."""
        self._received += data
        answer = parse_answer(self._received)
        if answer is not None and self._waiter is not None and not self._waiter.done():
            self._received = b""
            self._waiter.set_result(answer)

    @property
    def usable(self) -> bool:
        """Whether another request can be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, timeout_seconds: float) -> tuple[int, bytes]:
        """Send a request; the status and the raw body of its answer."""
        if self._transport is None:
            raise ConnectionError("the connection is closed")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(timeout_seconds):
            return await self._waiter

    def close(self) -> None:
        """Close it; what is under way fails."""
        if self._transport is not None:
            self._transport.abort()


def parse_answer(received: bytes) -> tuple[int, bytes] | None:
    """Split a whole HTTP/1.1 answer into status and raw body; None while some is missing."""
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return None
    headers = head.lower()
    if b"transfer-encoding: chunked" in headers:
        whole = body.endswith(b"0\r\n\r\n")
    else:
        _, named, rest = headers.partition(b"content-length:")
        whole = len(body) >= (int(rest.split(b"\r\n", 1)[0]) if named else 0)
    return (int(head[9:12]), body) if whole else None


def fill(template: str, low: int, high: int) -> str:
    """Put a random number for {n} and a random UUID for {uuid}."""
    if "{" not in template:
        return template
    number = random.randint(low, high)  # noqa: S311 - spreads load, protects nothing
    return template.replace("{n}", str(number)).replace("{uuid}", str(uuid.uuid4()))


def compose(options: argparse.Namespace) -> bytes:
    """Write one request."""
    path = fill(options.path, options.low, options.high)
    body = fill(options.body, options.low, options.high)
    head = f"{options.method} {path} HTTP/1.1\r\nHost: {options.address}\r\nAccept: */*\r\n"
    if options.header:
        head += f"{options.header}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
    return f"{head}\r\n{body}".encode()


async def connect(address: str) -> Connection:
    """Open a connection to host:port."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, host, int(port))
    return connection


async def work(
    options: argparse.Namespace, tally: Tally, due: "asyncio.Queue[float | None] | None"
) -> None:
    """Send requests on one connection until the time is over."""
    connection: Connection | None = None
    while (at := time.perf_counter() if due is None else await due.get()) is not None:
        if due is None and at >= tally.ended:
            break
        try:
            if connection is None or not connection.usable:
                connection = await connect(options.address)
            status, body = await connection.exchange(compose(options), options.timeout)
        except (OSError, TimeoutError) as error:
            if connection is not None:
                connection.close()
                connection = None
            if tally.began <= at < tally.ended:
                tally.errors += 1
                tally.example(str(error) or type(error).__name__)
            await asyncio.sleep(_PAUSE_AFTER_ERROR)
            continue
        finished = time.perf_counter()
        # A closed loop counts what finishes in time; a schedule counts what was due in time.
        counted = finished if due is None else at
        if tally.began <= counted < tally.ended:
            tally.taken.append(finished - at)
            tally.seconds[int(counted - tally.began)] += 1
            tally.statuses[status] += 1
            tally.size += len(body)
            if status != options.expect:
                tally.example(f"{status} {body[:300].decode(errors='replace')}")
    if connection is not None:
        connection.close()


async def schedule(
    options: argparse.Namespace, start: float, end: float, due: "asyncio.Queue[float | None]"
) -> None:
    """Say when each request is due; one that finds no free connection waits for it."""
    count = 0
    while (at := start + count / options.rate) < end:
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due.put_nowait(at)
        count += 1
    for _ in range(options.connections):
        due.put_nowait(None)


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Send the load and summarise it."""
    start = time.perf_counter()
    began = start + options.warmup
    tally = Tally(began, began + options.seconds)
    due: asyncio.Queue[float | None] | None = asyncio.Queue() if options.rate > 0 else None
    async with asyncio.TaskGroup() as group:
        for _ in range(options.connections):
            group.create_task(work(options, tally, due))
        if due is not None:
            group.create_task(schedule(options, start, tally.ended, due))
    return summarise(options, tally)


def summarise(options: argparse.Namespace, tally: Tally) -> dict[str, Any]:
    """Make the report; latencies in milliseconds."""
    taken = sorted(tally.taken)
    answered = len(taken)

    def percentile(share: float) -> float:
        return taken[min(int(share * answered), answered - 1)] * 1000 if answered else 0.0

    latency = {name: percentile(int(name[1:]) / 100) for name in ("p50", "p90", "p95", "p99")}
    latency["max"] = percentile(1)
    latency["mean"] = sum(taken) / answered * 1000 if answered else 0.0
    return {
        "generator": "python",
        "requests": answered,
        "seconds": options.seconds,
        "rate": answered / options.seconds,
        "latency_ms": latency,
        "statuses": {str(status): count for status, count in tally.statuses.items()},
        "errors": tally.errors,
        "unexpected": answered - tally.statuses[options.expect],
        "examples": tally.examples,
        "per_second": [tally.seconds[at] for at in range(math.ceil(options.seconds))],
        "bytes_per_answer": tally.size / answered if answered else 0.0,
    }


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the flags, which have one dash as Go's have."""
    parser = argparse.ArgumentParser(description=__doc__, prefix_chars="-", allow_abbrev=False)
    parser.add_argument("-address", required=True)
    parser.add_argument("-method", default="GET")
    parser.add_argument("-path", default="/")
    parser.add_argument("-body", default="")
    parser.add_argument("-header", default="")
    parser.add_argument("-connections", type=int, default=1)
    parser.add_argument("-seconds", type=float, default=5.0)
    parser.add_argument("-warmup", type=float, default=0.0)
    parser.add_argument("-rate", type=float, default=0.0)
    parser.add_argument("-low", type=int, default=1)
    parser.add_argument("-high", type=int, default=1)
    parser.add_argument("-expect", type=int, default=200)
    parser.add_argument("-timeout", type=float, default=30.0)
    return parser.parse_args(arguments)


def main() -> None:
    """Send the load that the flags describe and print what came back as JSON."""
    options = parse()
    print(json.dumps(uvloop.run(run(options))))


if __name__ == "__main__":
    main()
