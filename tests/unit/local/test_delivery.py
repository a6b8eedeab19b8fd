import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from local.events.cloudevent import Event
from local.events.delivery import Sink
from local.manifests import Delivery

_EVENT = Event(
    {"specversion": "1.0", "id": "1", "source": "/x", "type": "t"}, "application/json", b"{}", {}
)


class Function:
    """A sink that gives the answers it was told to, then 204."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.calls = 0
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        self.calls += 1
        status, text = self.answers.pop(0) if self.answers else (204, "")
        return web.Response(status=status, text=text)


@pytest.fixture
async def function() -> AsyncIterator[Function]:
    started = Function()
    yield started
    await started.stop()


@pytest.fixture
async def dead() -> list[tuple[str, Event]]:
    return []


@pytest.fixture
async def sink(
    function: Function, dead: list[tuple[str, Event]]
) -> AsyncIterator[Callable[..., Sink]]:
    async with aiohttp.ClientSession() as session:

        async def keep(topic: str, event: Event) -> None:
            dead.append((topic, event))

        def make(topic: str | None = "dead-letters") -> Sink:
            delivery = Delivery(
                retry=3, exponential=True, delay=0.01, timeout=2.0, dead_letter_topic=topic
            )
            return Sink(session, "s", f"http://127.0.0.1:{function.port}", delivery, keep)

        yield make


async def test_an_accepted_event_is_offered_once(
    function: Function, sink: Callable[..., Sink], dead: list[tuple[str, Event]]
) -> None:
    await function.start()
    await sink().deliver(_EVENT)
    assert (function.calls, dead) == (1, [])


@pytest.mark.parametrize("status", [404, 408, 409, 429, 500, 503])
async def test_what_may_pass_is_tried_again(
    status: int, function: Function, sink: Callable[..., Sink], dead: list[tuple[str, Event]]
) -> None:
    function.answers = [(status, ""), (status, "")]
    await function.start()
    await sink().deliver(_EVENT)
    assert (function.calls, dead) == (3, [])


@pytest.mark.parametrize("status", [400, 401, 403, 410, 413, 422])
async def test_what_can_never_work_is_a_dead_letter_at_once(
    status: int, function: Function, sink: Callable[..., Sink], dead: list[tuple[str, Event]]
) -> None:
    function.answers = [(status, "no")]
    await function.start()
    await sink().deliver(_EVENT)
    [(topic, event)] = dead
    assert function.calls == 1
    assert topic == "dead-letters"
    assert event.attributes["knativeerrorcode"] == str(status)


async def test_retries_end_in_a_dead_letter(
    function: Function, sink: Callable[..., Sink], dead: list[tuple[str, Event]]
) -> None:
    function.answers = [(503, "")] * 9
    await function.start()
    await sink().deliver(_EVENT)
    assert function.calls == 4
    assert len(dead) == 1


async def test_words_that_are_no_event_are_not_taken_for_a_yes(
    function: Function, sink: Callable[..., Sink], dead: list[tuple[str, Event]]
) -> None:
    function.answers = [(200, "OK")]
    await function.start()
    await sink().deliver(_EVENT)
    assert (function.calls, len(dead)) == (1, 1)


async def test_without_a_dead_letter_sink_the_event_is_given_up(
    function: Function, sink: Callable[..., Sink], dead: list[tuple[str, Event]]
) -> None:
    function.answers = [(400, "")]
    await function.start()
    await sink(None).deliver(_EVENT)
    assert (function.calls, dead) == (1, [])


async def test_a_function_that_restarts_costs_no_attempt(
    function: Function, sink: Callable[..., Sink], dead: list[tuple[str, Event]]
) -> None:
    delivering = asyncio.create_task(sink().deliver(_EVENT))
    await asyncio.sleep(0.5)
    assert not delivering.done()
    await function.start()
    await asyncio.wait_for(delivering, 5)
    assert (function.calls, dead) == (1, [])
