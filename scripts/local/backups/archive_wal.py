"""PostgreSQL's archive_command: `python -I -S archive_wal.py SEGMENT ARCHIVE`.

It runs for each finished segment of the write-ahead log, as the server's user, and with nothing
but the standard library.
"""

import contextlib
import filecmp
import os
import sys
from pathlib import Path

# A segment that was ended early is zeros from there on: left out, they take no room on the disk.
_BLOCK = 64 * 1024
_ZEROS = bytes(_BLOCK)


def keep(segment: Path, archive: Path) -> bool:
    """Keep a copy, on disk before it has its name; False where another file has that name.

    Raises:
        OSError: it could not be written; PostgreSQL keeps the segment, and tries again.
    """
    kept = archive / segment.name
    if kept.exists():
        # A server that dies between the copy and its own note of it offers the segment again.
        return filecmp.cmp(segment, kept, shallow=False)
    draft = archive / f".{segment.name}"
    try:
        _copy(segment, draft)
        draft.rename(kept)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    folder = os.open(archive, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def _copy(segment: Path, draft: Path) -> None:
    with segment.open("rb") as source, draft.open("wb") as target:
        while block := source.read(_BLOCK):
            if block == _ZEROS:
                target.seek(_BLOCK, os.SEEK_CUR)
            else:
                target.write(block)
        target.truncate()
        target.flush()
        os.fsync(target.fileno())


def main(segment: Path, archive: Path) -> int:
    """The exit status: 0 once it is kept."""
    try:
        kept = keep(segment, archive)
    except OSError as error:
        print(f"{segment.name} cannot be archived: {error}", file=sys.stderr)
        return 1
    if not kept:
        print(f"{archive / segment.name} is there with other contents", file=sys.stderr)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
