"""The platform is stopped, or dies, under load; what was in it is there after the next start."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from local.testing import Run
from tests.faults.run import Outcome, Strike, prepared, under
from tests.faults.shoppers import Shoppers
from tests.support.live import Client, Live, until

PORT_OFFSET = 22_000
# A platform that was killed has its processes end by themselves, as after SIGTERM.
_END_SECONDS = 40.0
# Clients wait for a whole stop and start.
_PATIENCE = 300.0


class Platform:
    """A platform that can be stopped and started again on the same data."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._run = Run(data, PORT_OFFSET)
        self.running = Live(self._run.ready().urls["gateway"], data)

    def processes(self) -> set[psutil.Process]:
        """The supervisor and everything below it."""
        supervisor = psutil.Process(self._run.process.pid)
        return {supervisor, *supervisor.children(recursive=True)}

    async def end(self, number: signal.Signals) -> int:
        """Send the supervisor a signal; its exit status, once nothing is left of the platform."""
        processes = self.processes()
        assert len(processes) > 20
        self._run.process.send_signal(number)
        status = await asyncio.to_thread(self._run.process.wait, _END_SECONDS)

        async def ended() -> bool:
            return not any(_runs(process) for process in processes)

        await until(ended, "no process is left", _END_SECONDS)
        return status

    async def again(self) -> None:
        """Start it on the data that are there."""
        self._run = Run(self._data, PORT_OFFSET)
        await asyncio.to_thread(self._run.ready)

    def close(self) -> None:
        """Stop it."""
        self._run.close()


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """A platform of this module's own."""
    if "SHOP_URL" in os.environ:
        pytest.skip("needs a platform of its own, and SHOP_URL names another one")
    data = Path(tempfile.mkdtemp(prefix="shop-restart-"))
    data.chmod(0o755)
    platform = Platform(data)
    yield platform
    platform.close()
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[Client]:
    client = Client(platform.running.url)
    yield client
    await client.close()


@pytest.mark.parametrize(
    ("what", "number", "expected"),
    [
        ("platform stopped, up again", signal.SIGTERM, 0),
        ("supervisor killed, up again", signal.SIGKILL, -signal.SIGKILL),
    ],
)
async def test_a_platform_that_ends_under_load_goes_on_where_it_was(
    platform: Platform,
    client: Client,
    outcomes: list[Outcome],
    what: str,
    number: signal.Signals,
    expected: int,
) -> None:
    products, since = await prepared(platform.running, 200)
    shoppers = Shoppers(platform.running.url, products, patience=_PATIENCE)

    async def end_and_begin() -> None:
        assert await platform.end(number) == expected
        await platform.again()

    outcome = await under(platform.running, what, [Strike(0.4, end_and_begin)], shoppers, since)
    outcomes.append(outcome)
    assert outcome.differences == [], "\n".join(map(str, outcome.differences[:50]))
    assert all(asked.answers for asked in shoppers.asked), "a client never had an answer"
    # Numbers go on: nobody is given one that was given before.
    ids = [order.id for order in outcome.history.orders]
    answer = await client.order(products[0], 1_000)
    assert answer.status == 409
    assert answer.json["order_id"] > max(ids)
