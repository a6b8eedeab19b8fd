"""Backups of the databases while they serve: base backups, and the log that goes on from them.

From the first backup on PostgreSQL hands each finished segment of its write-ahead log to a script
in its data directory, which keeps it beside the backups. Both together give the databases as they
were at any moment since the end of the oldest backup; see `local.restore`.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg

from local.checks import check_disk
from local.layout import HOST, Layout, PlatformError
from local.postgres import ADMIN, ARCHIVE_SCRIPT, hand_over, program
from local.state import State

KEPT = 3
# At most so much of what was committed is on the server's disk alone.
_ARCHIVE_SECONDS = 60
_RECORD = "backup.json"
_SCRIPT = """#!/bin/sh
# Keeps a finished segment of the write-ahead log: archive PATH NAME. Made by `scripts/task backup`.
set -e
cd "$(dirname "$0")"
archive={archive}
if [ ! -d "$archive" ]; then exit 0; fi
gzip -1 -c "$1" >"$archive/$2.part"
sync "$archive/$2.part" 2>/dev/null || true
mv "$archive/$2.part" "$archive/$2.gz"
"""


@dataclass(frozen=True, slots=True)
class Backup:
    """One base backup, restored with the log from `first_segment` on to `finished` or later."""

    folder: Path
    finished: datetime
    first_segment: str

    @property
    def data(self) -> Path:
        """The data directory as it was copied."""
        return self.folder / "postgres"

    @property
    def archive(self) -> Path:
        """Where the segments of the log lie that go on from it."""
        return self.folder.parent / "wal"

    @property
    def passwords(self) -> dict[str, str]:
        """The passwords of its roles."""
        found: dict[str, str] = json.loads((self.folder / "passwords.json").read_text())
        return found


def backups(layout: Layout) -> list[Backup]:
    """All backups that are complete, the oldest first."""
    return sorted(_found(layout.backups), key=lambda each: each.finished)


def _found(folder: Path) -> Iterator[Backup]:
    for record in folder.glob(f"*/*/{_RECORD}"):
        known = json.loads(record.read_text())
        finished = datetime.fromisoformat(known["finished"])
        yield Backup(record.parent, finished, known["first_segment"])


def back_up(layout: Layout) -> Backup:
    """Back the running shop's databases up, and keep the log from now on; the newest backup.

    The oldest backups go, and the log that only they need.

    Raises:
        PlatformError: the shop does not run, its server is not ours, or a program fails.
    """
    state = State.read(layout)
    require_own_server()
    check_disk(layout.data)
    with psycopg.connect(state.admin_database, autocommit=True) as connection:
        system = _value(connection, "SELECT system_identifier FROM pg_control_system()")
        home = layout.backups / system
        _keep_log(connection, layout, home / "wal")
        backup = _copy(connection, layout, home)
    _forget_old(home)
    return backup


def require_own_server() -> None:
    """PlatformError where DATABASE_URL names a server that is none of the platform's."""
    if os.environ.get("DATABASE_URL"):
        raise PlatformError(
            "DATABASE_URL names a PostgreSQL that this platform does not run: back it up, and "
            "restore it, with its own tools; docs/operations.md says what else to do."
        )


def _keep_log(
    connection: psycopg.Connection[tuple[object, ...]], layout: Layout, archive: Path
) -> None:
    """Have finished segments archived; the script lies in the data directory, and moves with it."""
    archive.mkdir(parents=True, exist_ok=True)
    for folder in (layout.backups, archive.parent):
        folder.chmod(0o711)  # PostgreSQL's user is another one where root runs this.
    archive.chmod(0o700)
    hand_over(archive)
    data = layout.data / "postgres"
    script = data / ARCHIVE_SCRIPT
    place = os.path.relpath(archive, data)
    script.write_text(_SCRIPT.format(archive=f"'{place}'"))
    script.chmod(stat.S_IRWXU)
    hand_over(script)
    connection.execute(f"ALTER SYSTEM SET archive_timeout = '{_ARCHIVE_SECONDS}s'")
    connection.execute("SELECT pg_reload_conf()")


def _copy(connection: psycopg.Connection[tuple[object, ...]], layout: Layout, home: Path) -> Backup:
    """Copy the data directory while it is used, verify the copy, and give it its name."""
    draft = home / "unfinished"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    passwords = json.loads((layout.data / "passwords.json").read_text())
    environment = os.environ | {"PGPASSWORD": passwords[ADMIN]}
    _call(
        "pg_basebackup", "--host", HOST, "--port", str(layout.postgres), "--username", ADMIN,
        "--no-password", "--pgdata", str(draft / "postgres"), "--wal-method", "stream",
        "--checkpoint", "fast", "--manifest-checksums", "SHA256", environment=environment,
    )  # fmt: skip
    verify(draft / "postgres")
    label = (draft / "postgres" / "backup_label").read_text()
    first = label.partition("(file ")[2].partition(")")[0]
    moment = datetime.fromtimestamp(
        float(_value(connection, "SELECT extract(epoch FROM clock_timestamp())")), UTC
    )
    shutil.copy2(layout.data / "passwords.json", draft / "passwords.json")
    if layout.keys.exists():
        shutil.copytree(layout.keys, draft / "keys")
    (draft / _RECORD).write_text(
        json.dumps({"finished": moment.isoformat(), "first_segment": first}) + "\n"
    )
    folder = home / f"{moment:%Y%m%dT%H%M%S.%f}Z"
    draft.rename(folder)
    return Backup(folder, moment, first)


def verify(data: Path) -> None:
    """Hold a copied data directory to its manifest; PlatformError where a file is not as it was.

    The wheel's own pg_verifybackup ends with a segmentation fault.
    """
    manifest = json.loads((data / "backup_manifest").read_text())
    for entry in manifest["Files"]:
        path = data / (entry.get("Path") or bytes.fromhex(entry["Encoded-Path"]).decode())
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise PlatformError(f"The backup lacks a file: {error}.") from None
        if found != entry["Checksum"]:
            raise PlatformError(f"The backup is broken: {path} is not what was copied.")


def _forget_old(home: Path) -> None:
    found = sorted(
        (each for each in _found(home.parent) if each.folder.parent == home),
        key=lambda each: each.finished,
    )
    for each in found[:-KEPT]:
        shutil.rmtree(each.folder)
    oldest = found[-KEPT:][0]
    _call(
        "pg_archivecleanup", "-x", ".gz", str(oldest.archive), oldest.first_segment,
        environment=dict(os.environ),
    )  # fmt: skip


def _call(name: str, *arguments: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [program(name), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise PlatformError(f"{name} failed: {' '.join(last)}")


def _value(connection: psycopg.Connection[tuple[object, ...]], statement: LiteralString) -> str:
    (row,) = connection.execute(statement).fetchall()
    return str(row[0])
