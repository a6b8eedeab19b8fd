"""The write-ahead log in files: which follow one another, and until when they tell."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.postgres import program

_SEGMENT_BYTES = 16 * 1024 * 1024
_PER_FILE_ID = 0x1_0000_0000 // _SEGMENT_BYTES
_NAME = re.compile(r"[0-9A-F]{24}")
_ENDED = re.compile(
    r"desc: (?:COMMIT|ABORT)(?:_PREPARED)? .*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)"
)


def segment_of(timeline: int, position: str) -> str:
    """The name of the segment in which a record begins, at a position such as `0/3000028`."""
    return _name(timeline, _bytes(position) // _SEGMENT_BYTES)


def segment_before(timeline: int, position: str) -> str:
    """The name of the segment in which what ends at a position has its last byte."""
    return _name(timeline, (_bytes(position) - 1) // _SEGMENT_BYTES)


def _bytes(position: str) -> int:
    high, low = (int(half, 16) for half in position.split("/"))
    return (high << 32) + low


def _name(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number // _PER_FILE_ID:08X}{number % _PER_FILE_ID:08X}"


def next_name(name: str) -> str:
    """The segment after this one, on the same timeline."""
    timeline, high, low = (int(name[at : at + 8], 16) for at in (0, 8, 16))
    return _name(timeline, high * _PER_FILE_ID + low + 1)


def segments(folder: Path) -> dict[str, Path]:
    """The segments in a folder, by name."""
    if not folder.is_dir():
        return {}
    return {path.name: path for path in folder.iterdir() if _NAME.fullmatch(path.name)}


def chain(first: str, found: Mapping[str, Path]) -> list[Path]:
    """The segments that follow one another without a gap, from `first` on."""
    result: list[Path] = []
    name = first
    while name in found:
        result.append(found[name])
        name = next_name(name)
    return result


def last_end(segments: Sequence[Path]) -> datetime | None:
    """When the last transaction ended of which these segments tell."""
    for segment in reversed(segments):
        # What it cannot read is the end of the log: a segment may be torn, or of an earlier use.
        printed = subprocess.run(
            [str(program("pg_waldump")), "--rmgr=Transaction", str(segment)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
            env={"TZ": "UTC", "PATH": os.environ.get("PATH", "")},
        ).stdout  # fmt: skip
        if ends := _ENDED.findall(printed):
            return max(datetime.fromisoformat(end).replace(tzinfo=UTC) for end in ends)
    return None
