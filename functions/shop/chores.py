"""Work that a loop's process does beside the loop, each kind at its own pace.

Chores read what the database knows for the metrics, and prune what has had its time. They run
one after the other, in a thread and on a connection of their own: a slow count delays no event.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from shop.connection import Connection
from shop.loop import Loop
from shop.outage import Outage

_STATEMENT_SECONDS = 120


@dataclass(slots=True)
class Chore:
    """Work to be done each `every` seconds.

    `share` bounds what it costs: after a run of s seconds it rests for at least s / share.
    `forget` is called where the database is lost: what was read is no longer true.
    """

    name: str
    every: float
    run: Callable[[Connection], None]
    share: float = 0.02
    forget: Callable[[], None] = lambda: None
    due: float = 0.0


class Chores:
    """Runs chores in a thread from `start` until the loop stops."""

    def __init__(self, loop: Loop, url: str, chores: Sequence[Chore]) -> None:
        self._loop = loop
        self._url = url
        self._chores = chores
        self._thread = threading.Thread(target=self._work, name="chores", daemon=True)

    def start(self) -> None:
        """Begin; a second call does nothing."""
        if not self._thread.is_alive():
            self._thread.start()

    def _work(self) -> None:
        outage = Outage("PostgreSQL, for the metrics and pruning,")
        connection: Connection | None = None
        while not self._loop.stopping.is_set():
            try:
                if connection is None:
                    connection = Connection(
                        self._url, f"{self._loop.name}-chores", statement_seconds=_STATEMENT_SECONDS
                    )
                    outage.over()
                self._run_due(connection)
                nearest = min(chore.due for chore in self._chores)
                pause = max(0.01, nearest - time.monotonic())
            except psycopg.OperationalError as error:
                if connection is not None:
                    connection.close()
                    connection = None
                for chore in self._chores:
                    chore.forget()
                pause = outage.failed(error)
            self._loop.stopping.wait(pause)
        if connection is not None:
            connection.close()

    def _run_due(self, connection: Connection) -> None:
        for chore in self._chores:
            began = time.monotonic()
            if began < chore.due:
                continue
            chore.run(connection)
            ended = time.monotonic()
            chore.due = max(began + chore.every, ended + (ended - began) / chore.share)
