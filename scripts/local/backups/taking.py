"""A base backup of a server that serves, and the archive that goes on from there."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

from local.backups import catalogue, wal
from local.backups.catalogue import Backup
from local.layout import PlatformError
from local.postgres import archive_of, program, server_user

# A segment that is not full is archived after so long: what a sudden end of the disk costs.
_ARCHIVE_TIMEOUT = "60s"
_ARCHIVE_SECONDS = 60.0
_SPARE_BYTES = 256 * 1024**2
# A base backup brings its own part of the log along: two segments, or what is written meanwhile.
_LOG_BYTES = 64 * 1024**2

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Source:
    """A server that runs: a superuser's connection, and what belongs to its databases."""

    url: str
    passwords: Path
    keys: Path


def take(source: Source, folder: Path) -> Backup:
    """Make a backup below `folder`, and see that the log is archived from its beginning on.

    Raises:
        PlatformError: it cannot be made, or the log is not archived; nothing of it is left.
    """
    with psycopg.connect(source.url, autocommit=True) as connection:
        identifier, size = _look(connection)
        archive = archive_of(folder, identifier)
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder, size + _LOG_BYTES)
        with _alone(folder), _archiving(connection, archive):
            _sweep(archive.parent)
            made = archive.parent / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
            made.mkdir(mode=0o700)
            try:
                return _fill(made, source, connection)
            except BaseException:
                shutil.rmtree(made)
                raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Refuse a second backup at a time: it would sweep away the first."""
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PlatformError(f"Another backup into {folder} is being made.") from None
        yield


def _sweep(store: Path) -> None:
    """Remove what a backup has left that was cut off."""
    for path in store.iterdir():
        if path.name != "wal" and not (path / catalogue.DESCRIPTION).exists():
            shutil.rmtree(path)


def check_room(folder: Path, size: int) -> None:
    """Refuse what the disk cannot hold."""
    free = shutil.disk_usage(folder).free
    needed = size + _SPARE_BYTES
    if free < needed:
        raise PlatformError(
            f"{needed / 1024**2:.0f} MB are needed where {folder} lies, and "
            f"{free / 1024**2:.0f} MB are free: make room, or name another place for backups with "
            "SHOP_BACKUPS."
        )


def _look(connection: Connection) -> tuple[str, int]:
    """The databases' identifier, and how many bytes they have."""
    ((identifier, size),) = connection.execute(
        "SELECT system_identifier::text, (SELECT sum(pg_database_size(oid)) FROM pg_database)"
        " FROM pg_control_system()"
    )
    return identifier, int(size)


@contextmanager
def _archiving(connection: Connection, archive: Path) -> Iterator[None]:
    """See to it that the log is archived; where the first backup fails, no longer."""
    first = not archive.exists()
    user = server_user()
    if first:
        # The server's user goes through, and sees nothing but the archive.
        for path in (archive.parent.parent, archive.parent):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700 if user is None else 0o711)
        archive.mkdir(mode=0o700)
        if user is not None:
            os.chown(archive, user, user)
    connection.execute(f"ALTER SYSTEM SET archive_timeout = '{_ARCHIVE_TIMEOUT}'")
    connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    except BaseException:
        if first:
            shutil.rmtree(archive.parent)
            connection.execute("ALTER SYSTEM RESET archive_timeout")
            connection.execute("SELECT pg_reload_conf()")
        raise


def _fill(made: Path, source: Source, connection: Connection) -> Backup:
    base = made / "base"
    _copy(source.url, base)
    ((ended,),) = connection.execute("SELECT clock_timestamp()")
    shutil.copy(source.passwords, made / "passwords.json")
    shutil.copytree(source.keys, made / "keys")
    if wrong := list(catalogue.damage(base)):
        raise PlatformError(f"The backup is not what the server sent: {'; '.join(wrong[:3])}.")
    needed = catalogue.manifest_of(base)["WAL-Ranges"][-1]
    timeline = int(needed["Timeline"])
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    first = wal.segment_of(timeline, needed["Start-LSN"])
    backup = Backup(made, ended.astimezone(UTC), timeline, first, size)
    _await_archived(backup, wal.segment_before(timeline, needed["End-LSN"]), connection)
    backup.write()
    return backup


def _copy(url: str, base: Path) -> None:
    parts = urlsplit(url)
    command = [
        str(program("pg_basebackup")), "--pgdata", str(base), "--wal-method=stream",
        "--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password",
        f"--host={parts.hostname}", f"--port={parts.port}", f"--username={parts.username}",
    ]  # fmt: skip
    # Not as an argument, which everybody sees.
    environment = {**os.environ, "PGPASSWORD": unquote(parts.password or ""), "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise PlatformError(f"pg_basebackup could not copy the databases: {done.stderr.strip()}")


def _await_archived(backup: Backup, last: str, connection: Connection) -> None:
    """Wait until the archive holds the log up to the backup's end."""
    deadline = time.monotonic() + _ARCHIVE_SECONDS
    while not (backup.archive / last).exists():
        if time.monotonic() > deadline:
            ((failed,),) = connection.execute("SELECT last_failed_wal FROM pg_stat_archiver")
            raise PlatformError(
                f"The log is not archived into {backup.archive} (last failed: {failed}), and a "
                "backup is nothing without it; scripts/task logs FUNCTION=postgres says why."
            )
        time.sleep(0.1)
