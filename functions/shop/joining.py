"""Work of one kind that comes while some of it is under way, done together in its next turn.

What comes alone starts at once, and waits for nobody. What comes while work under the same key is
under way queues, and is done in one go when that is over: the busier a key, the larger the turns,
without a pause or a size that somebody would have to choose.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Joining(Generic[Key, Item, Result]):
    """Joins what is asked for under a key; one turn of each key is under way at a time."""

    def __init__(
        self, work: Callable[[Key, Sequence[Item]], Awaitable[Sequence[Result]]], most: int
    ) -> None:
        """`work` does up to `most` items in a turn, and answers each in its place.

        Where that is one, nothing is joined, and nothing waits.
        """
        self._work = work
        self._most = most
        self._waiting: dict[Key, deque[tuple[Item, asyncio.Future[Result]]]] = {}
        self._turns: set[asyncio.Task[None]] = set()

    async def join(self, key: Key, item: Item) -> Result:
        """The item's result; what its turn raises, each of the turn raises.

        A caller that is cancelled while it queues is left out; one whose turn has begun is done.
        """
        queue = self._waiting.get(key)
        if queue is not None and self._most > 1:
            future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            queue.append((item, future))
            return await future
        if self._most > 1:
            self._waiting[key] = deque()
        try:
            (result,) = await self._work(key, [item])
            return result
        finally:
            if self._most > 1:
                self._go_on(key)

    def _go_on(self, key: Key) -> None:
        if not self._waiting[key]:
            del self._waiting[key]
            return
        # In a context of its own: a turn belongs to no single request.
        turn = asyncio.get_running_loop().create_task(self._turn(key), context=Context())
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)

    async def _turn(self, key: Key) -> None:
        queue = self._waiting[key]
        turn = [queue.popleft() for _ in range(min(len(queue), self._most))]
        turn = [(item, future) for item, future in turn if not future.done()]
        try:
            results = await self._work(key, [item for item, _ in turn]) if turn else ()
            for (_, future), result in zip(turn, results, strict=True):
                if not future.done():
                    future.set_result(result)
        except BaseException as error:
            for _, future in turn:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._go_on(key)
