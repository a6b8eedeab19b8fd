"""Something that a loop needs and that does not answer for a while."""

import logging
import time
from collections.abc import Callable

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0

_log = logging.getLogger(__name__)


class Outage:
    """Says once that it began and once that it is over; the pauses between tries grow.

    `count` is called at each failure.
    """

    def __init__(self, what: str, count: Callable[[], None] = lambda: None) -> None:
        self._what = what
        self._count = count
        self._began: float | None = None
        self._pause = _FIRST_PAUSE

    def failed(self, error: BaseException) -> float:
        """Note a failure; returns the seconds to wait before the next try."""
        self._count()
        if self._began is None:
            self._began = time.monotonic()
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            _log.warning("%s does not answer, trying again: %s", self._what, reason)
        pause = self._pause
        self._pause = min(_LONGEST_PAUSE, pause * 2)
        return pause

    def over(self) -> None:
        """Note a success."""
        if self._began is not None:
            _log.info("%s answers again after %.1f s", self._what, time.monotonic() - self._began)
            self._began = None
            self._pause = _FIRST_PAUSE
