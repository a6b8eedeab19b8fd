"""When a request is sent again: at most once, after a pause, and within a budget.

Where everything fails, retries must not double the load on what is failing already.
"""

import random

RETRY_SHARE = 0.1
_MOST_SAVED = 10.0
_PAUSE_SECONDS = (0.01, 0.1)


class RetryBudget:
    """Lets a tenth of the requests be sent again.

    Each request puts a tenth of a token in, each retry takes one out. A quiet hour saves ten of
    them and no more; a process starts with one.
    """

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens = 1.0

    def request(self) -> None:
        """Count a request that is sent for the first time."""
        self._tokens = min(self._tokens + RETRY_SHARE, _MOST_SAVED)

    def take(self) -> bool:
        """Whether one may be sent again now."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def pause() -> float:
    """The seconds to wait before a retry, so that many do not come at one moment."""
    return random.uniform(*_PAUSE_SECONDS)  # noqa: S311 - no secret
