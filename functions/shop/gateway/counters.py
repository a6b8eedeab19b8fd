"""Counters of the rate limits in this process's memory, in bounded space.

The library's own storage looks through all of its keys at each hit, and keeps as many as there
are. This one keeps two numbers for a key, and forgets the key that is longest without a new window
when there are too many: whoever commands a million addresses has a million allowances anyway.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from limits.aio.storage import SlidingWindowCounterSupport, Storage

MOST_KEYS = 100_000


@dataclass(slots=True)
class _Count:
    window: int
    before: int
    now: int


class BoundedCounters(Storage, SlidingWindowCounterSupport):
    """A storage of `limits` for its sliding window counter."""

    STORAGE_SCHEME = ["async+bounded"]  # noqa: RUF012 - as the library has it

    def __init__(self, most_keys: int = MOST_KEYS, clock: Callable[[], float] = time.time) -> None:
        super().__init__(None, wrap_exceptions=False)
        self._most_keys = most_keys
        self._clock = clock
        self._counts: dict[str, _Count] = {}

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self._counts)

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count a request, unless that would be one too many."""
        count, gone = self._count(key, expiry)
        if int(count.before * (1 - gone)) + count.now + amount > limit:
            return False
        count.now += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """The last window's count, the seconds for which it matters, and the same of this one."""
        count, gone = self._count(key, expiry)
        left = (1 - gone) * expiry
        return count.before, left if count.before else 0.0, count.now, left + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget the key."""
        del expiry
        self._counts.pop(key, None)

    def _count(self, key: str, expiry: int) -> tuple[_Count, float]:
        """The key's count in the window of now, and how much of that window is gone."""
        window, gone = divmod(self._clock() / expiry, 1.0)
        number = int(window)
        known = self._counts.get(key)
        if known is not None and known.window == number:
            return known, gone
        before = known.now if known is not None and known.window == number - 1 else 0
        self._counts.pop(key, None)  # To the end of the dict's order.
        if len(self._counts) >= self._most_keys:
            del self._counts[next(iter(self._counts))]
        count = self._counts[key] = _Count(number, before, 0)
        return count, gone

    # What the library asks of every storage.

    @property
    def base_exceptions(self) -> type[Exception]:
        """None of its own."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count without a limit."""
        count, _ = self._count(key, int(expiry))
        count.now += amount
        return count.now

    async def get(self, key: str) -> int:
        """What was counted in the key's last window."""
        count = self._counts.get(key)
        return 0 if count is None else count.now

    async def get_expiry(self, key: str) -> float:
        """Now: what is counted here needs no clearing."""
        del key
        return self._clock()

    async def check(self) -> bool:
        """Memory is there."""
        return True

    async def reset(self) -> int | None:
        """Forget every key."""
        many = len(self._counts)
        self._counts.clear()
        return many

    async def clear(self, key: str) -> None:
        """Forget the key."""
        self._counts.pop(key, None)
