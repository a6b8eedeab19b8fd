"""One readable log of all processes, and each process's own output kept as it came."""

import json
import os
import sys
import threading
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO

_MOST_BYTES = 10 * 1024 * 1024
_LINES_A_SECOND = 25
_MOST_WAITING = 2000
_GATHER_SECONDS = 0.03
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_LEVEL_COLOURS = {"warning": 33, "error": 31, "critical": 31}
_WIDTH = 20
# PostgreSQL and Kafka have much to say; of them only this is shown, but for what every start says.
_SERVERS = ("postgres", "kafka")
_LOUD = ("ERROR", "FATAL", "PANIC", "Traceback")
_HARMLESS = "the database system is"


class Console:
    """Writes to standard output from a thread of its own.

    A terminal that is paused, or a pipe that nobody reads, must not hold up the processes whose
    output passes through here: what does not fit is counted and dropped.
    """

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self.colours: Final = stream.isatty() and "NO_COLOR" not in os.environ
        self._stream = stream
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._some = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write, name="console", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Show a line as it is."""
        if len(self._lines) < _MOST_WAITING:
            self._lines.append(text)
            self._some.set()
        else:
            self._dropped += 1

    def note(self, name: str, text: str, level: str = "info", at: str | None = None) -> None:
        """Show a line of the merged log: when, who, what."""
        clock = at or datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        who = self.paint(f"{name:<{_WIDTH}}", _COLOURS[sum(name.encode()) % len(_COLOURS)])
        colour = _LEVEL_COLOURS.get(level)
        self.say(f"{self.paint(clock, 90)} {who} {self.paint(text, colour) if colour else text}")

    def paint(self, text: str, colour: int) -> str:
        """The text in a colour, where the stream shows colours."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colours else text

    def close(self) -> None:
        """Write what is left, waiting a second at most."""
        self._closing.set()
        self._some.set()
        self._thread.join(timeout=1)

    def _write(self) -> None:
        while not (self._closing.is_set() and not self._lines):
            self._some.wait()
            # Lines come in swarms; one write for all of them is enough.
            self._closing.wait(_GATHER_SECONDS)
            self._some.clear()
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if self._dropped:
                lines.append(f"… {self._dropped} lines not shown")
                self._dropped = 0
            try:
                self._stream.write("".join(f"{line}\n" for line in lines))
                self._stream.flush()
            except (OSError, ValueError):
                return  # Nobody reads any more; the files under logs/ go on.


class Output:
    """What one process prints: kept raw in a file, and shown on the console line by line."""

    def __init__(self, name: str, folder: Path, console: Console) -> None:
        self._name = name
        self._path = folder / f"{name}.log"
        self._console = console
        self._file = self._path.open("ab")
        self._rest = b""
        self._second = 0
        self._shown = 0
        self._skipped = 0

    def feed(self, chunk: bytes) -> None:
        """Take what the process has printed."""
        self._file.write(chunk)
        self._file.flush()
        if self._file.tell() > _MOST_BYTES:
            self._roll()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > 65_536:
            self._rest = b""
        for line in lines:
            self._show(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _roll(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_suffix(".log.1"))
        self._file = self._path.open("ab")

    def _show(self, line: bytes) -> None:
        second = int(time.monotonic())
        if second != self._second:
            if self._skipped:
                more = f"… {self._skipped} more lines in {self._path.name}"
                self._console.note(self._name, more)
            self._second, self._shown, self._skipped = second, 0, 0
        if self._shown >= _LINES_A_SECOND:
            self._skipped += 1
            return
        self._shown += render(self._console, self._name, line)


def render(console: Console, name: str, line: bytes) -> bool:
    """Show a process's line if a person wants to see it; says whether it was shown."""
    text = line.decode("utf-8", "replace").rstrip()
    if not text.startswith("{"):
        return _render_text(console, name, text)
    try:
        entry: dict[str, Any] = json.loads(text)
    except ValueError:
        return _render_text(console, name, text)
    message = str(entry.get("message", text))
    duration = entry.get("duration_ms")
    if isinstance(duration, int | float):
        message += f"  {duration:.1f} ms"
    console.note(name, message, str(entry.get("level", "info")), _clock(str(entry.get("time", ""))))
    for extra in str(entry.get("exception", "")).splitlines():
        console.note(name, f"  {extra}", "error")
    return True


def _render_text(console: Console, name: str, text: str) -> bool:
    """A line that is no JSON: of a server, or of a process that failed before it could log."""
    if not text:
        return False
    loud = any(word in text for word in _LOUD)
    if name in _SERVERS and (not loud or _HARMLESS in text):
        return False
    console.note(name, text, "error" if loud else "info")
    return True


def _clock(stamp: str) -> str | None:
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return None
