"""The process of the event sources as a whole."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from local.events import __main__ as process
from local.layout import Layout


class DefectiveFeed:
    """Its thread dies of what nobody expected."""

    connected = True

    def __init__(self, source: Any, *_: Any) -> None:
        self.source = source

    def start(self) -> None:
        def read() -> None:
            raise OSError("Invalid argument")

        threading.Thread(target=read, name=self.source.name).start()

    async def stop(self, _: float) -> None:
        """There is nothing to wait for."""


async def test_it_ends_where_a_thread_that_reads_has_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "Feed", DefectiveFeed)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)

    async with asyncio.timeout(10):
        well = await process.run(Layout(tmp_path, 19_000))

    assert not well
    assert "a source's thread failed" in caplog.text
