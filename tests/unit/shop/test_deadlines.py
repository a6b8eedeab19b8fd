import asyncio
import time

import pytest

from shop import deadlines
from shop.errors import DeadlinePassed


async def test_what_is_left_goes_down_from_call_to_call() -> None:
    deadlines.begin(10.0)
    header = deadlines.header(deadlines.within(20.0))

    async def called() -> tuple[float, float]:
        deadlines.enter(header[deadlines.HEADER].encode())
        left = deadlines.left()
        assert left is not None
        return left, deadlines.within(5.0)

    left, seconds = await asyncio.create_task(called())
    assert 9.7 < left < 9.95
    assert seconds == 5.0


async def test_without_a_deadline_a_call_has_the_time_that_it_is_given() -> None:
    assert deadlines.left() is None
    assert deadlines.within(5.0) == 5.0
    async with deadlines.kept():
        pass


async def test_a_call_beyond_the_deadline_is_not_made() -> None:
    deadlines.begin(-0.1)

    with pytest.raises(DeadlinePassed):
        deadlines.within(5.0)


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e3", "0", "1", "9" * 20, "9" * 14])
async def test_what_is_no_time_within_an_hour_is_no_deadline(text: str) -> None:
    deadlines.enter(text.encode())

    assert deadlines.left() is None


async def test_work_is_given_up_when_nobody_waits_any_more() -> None:
    deadlines.begin(0.05)
    began = time.monotonic()

    with pytest.raises(DeadlinePassed):
        async with deadlines.kept():
            await asyncio.sleep(5)

    assert time.monotonic() - began < 1


async def test_a_timeout_of_the_works_own_is_no_deadline() -> None:
    deadlines.begin(5)

    with pytest.raises(TimeoutError):
        async with deadlines.kept(), asyncio.timeout(0.01):
            await asyncio.sleep(5)
