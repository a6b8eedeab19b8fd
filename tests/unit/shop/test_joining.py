import asyncio
from collections.abc import Sequence

import pytest

from shop.joining import Joining


class Work:
    """Doubles numbers; each turn waits until it is let go."""

    def __init__(self, failing: set[int] | None = None) -> None:
        self.turns: list[tuple[str, list[int]]] = []
        self.gate = asyncio.Event()
        self.failing = failing or set()

    async def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        self.turns.append((key, list(items)))
        await self.gate.wait()
        if self.failing & set(items):
            raise ValueError(f"no {items}")
        return [2 * item for item in items]


def begin(joining: Joining[str, int, int], *asked: tuple[str, int]) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(joining.join(key, item)) for key, item in asked]


async def test_what_comes_while_one_is_under_way_goes_together() -> None:
    work = Work()
    joining = Joining(work, 10)

    tasks = begin(joining, *(("a", n) for n in range(5)))
    await asyncio.sleep(0)
    work.gate.set()

    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8]
    assert work.turns == [("a", [0]), ("a", [1, 2, 3, 4])]


async def test_other_keys_do_not_wait() -> None:
    work = Work()
    joining = Joining(work, 10)

    tasks = begin(joining, ("a", 1), ("b", 2), ("c", 3))
    await asyncio.sleep(0)

    assert work.turns == [("a", [1]), ("b", [2]), ("c", [3])]
    work.gate.set()
    await asyncio.gather(*tasks)


async def test_a_turn_has_a_bound_and_the_rest_goes_in_the_next() -> None:
    work = Work()
    joining = Joining(work, 2)

    tasks = begin(joining, *(("a", n) for n in range(6)))
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(*tasks)

    assert [items for _, items in work.turns] == [[0], [1, 2], [3, 4], [5]]


async def test_with_a_bound_of_one_nothing_waits() -> None:
    work = Work()
    joining = Joining(work, 1)

    tasks = begin(joining, ("a", 1), ("a", 2))
    await asyncio.sleep(0)

    assert work.turns == [("a", [1]), ("a", [2])]
    work.gate.set()
    await asyncio.gather(*tasks)


async def test_what_a_turn_raises_each_of_it_raises_and_the_next_goes_on() -> None:
    work = Work(failing={1})
    joining = Joining(work, 2)

    tasks = begin(joining, *(("a", n) for n in range(4)))
    await asyncio.sleep(0)
    work.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(result) for result in results] == [int, ValueError, ValueError, int]


async def test_a_caller_that_is_gone_is_left_out_and_holds_nobody_up() -> None:
    work = Work()
    joining = Joining(work, 10)
    first, gone, last = begin(joining, ("a", 1), ("a", 2), ("a", 3))
    await asyncio.sleep(0)

    gone.cancel()
    await asyncio.sleep(0)
    work.gate.set()

    assert (await first, await last) == (2, 6)
    assert work.turns == [("a", [1]), ("a", [3])]


async def test_the_first_being_cancelled_does_not_keep_the_others() -> None:
    work = Work()
    joining = Joining(work, 10)
    first, second = begin(joining, ("a", 1), ("a", 2))
    await asyncio.sleep(0)

    first.cancel()
    work.gate.set()

    assert await second == 4
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_nothing_is_kept_of_a_key_that_is_quiet() -> None:
    work = Work()
    work.gate.set()
    joining = Joining(work, 10)

    await asyncio.gather(*begin(joining, ("a", 1), ("a", 2)))
    await asyncio.sleep(0)

    assert joining._waiting == {}
    assert joining._turns == set()
