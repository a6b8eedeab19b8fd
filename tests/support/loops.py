"""Loops of the shop, turned by hand."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shop.loop import Loop
from shop.settings import Settings


@contextmanager
def loop(name: str, area: str) -> Iterator[Loop]:
    """A loop that serves nothing and measures nothing; its threads end with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = Loop(name, area, Settings({"OTEL_METRICS_EXPORTER": "none", "PORT": "0"}))
    root.handlers[:] = handlers
    root.setLevel(level)
    try:
        yield made
    finally:
        made.stopping.set()
        made.telemetry.shutdown()


class Counter:
    """Takes the place of a counter's `add`, and remembers."""

    def __init__(self) -> None:
        self.added: list[tuple[float, Any]] = []

    def __call__(self, amount: float, labels: Any) -> None:
        """Remember."""
        self.added.append((amount, labels))

    @property
    def total(self) -> float:
        """The sum."""
        return sum(amount for amount, _ in self.added)
