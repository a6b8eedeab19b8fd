"""The databases as they were at a moment: a base backup, and the log replayed on top of it.

The stopped shop's databases are replaced once the restored ones are complete; what was there
before is kept beside them. The topics begin empty, since they tell of what is to come after the
moment, and hold nothing that the databases do not: an event that was published, and that nobody
has handled in the restored databases, is published again under its id.
"""

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg

from local.backup import Backup, backups, require_own_server, verify
from local.checks import only_one
from local.layout import HOST, Layout, PlatformError
from local.postgres import ADMIN, Postgres, hand_over, program
from shop.connection import Connection
from shop.events import SOURCES
from shop.republish import republish

_START_SECONDS = 15.0
_SPARE_BYTES = 512 * 1024**2
_PUBLISHING = ("inventory", "orders")
# What PostgreSQL says where its log ends before the moment.
_TOO_SHORT = "recovery ended before configured recovery target was reached"
_LAST = re.compile(r"last completed transaction was at log time ([^\n]+)")
_SYSTEM = re.compile(r"^Database system identifier:\s+(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: `until` a moment or, without one, to the end of the log.

    `again` says how many events each area publishes once more; `kept` is where the databases are
    that were there before.
    """

    backup: Backup
    until: datetime | None
    again: Mapping[str, int]
    kept: Path | None

    def __str__(self) -> str:
        until = _shown(self.until) if self.until else "the end of the log"
        again = ", ".join(f"{number} of {area}" for area, number in self.again.items())
        kept = f" What was there before is kept as {self.kept}." if self.kept else ""
        return (
            f"Restored from the backup of {_shown(self.backup.finished)} to {until}. Events that "
            f"are published once more: {again}.{kept} Start the shop with scripts/task up."
        )


def restore(layout: Layout, until: datetime | None) -> Restored:
    """Restore the databases to a moment, or to the end of the log.

    Raises:
        PlatformError: the shop runs; its server is not ours; no backup is old enough, or the log
            not long enough; the disk is too small. Nothing is changed then.
    """
    require_own_server()
    with only_one(layout):
        backup = _chosen(layout, until)
        _check_room(layout, backup)
        verify(backup.data)
        before = layout.data / "postgres"
        same = before.exists() and _system_of(before) == _system_of(backup.data)
        earlier = before if same else None
        draft = layout.data / "postgres.restored"
        try:
            again = _recover(layout, backup, draft, until, earlier)
        except PlatformError:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        kept = _swap(layout, backup, draft)
    return Restored(backup, until, again, kept)


def _chosen(layout: Layout, until: datetime | None) -> Backup:
    """The last backup that was finished before the moment."""
    known = backups(layout)
    if not known:
        raise PlatformError("There is no backup yet: scripts/task backup makes one.")
    if until is None:
        return known[-1]
    if until > datetime.now(UTC):
        raise PlatformError(f"{_shown(until)} is yet to come.")
    old_enough = [each for each in known if each.finished <= until]
    if not old_enough:
        raise PlatformError(
            f"The oldest backup is of {_shown(known[0].finished)}; nothing before it can be "
            "restored."
        )
    return old_enough[-1]


def _shown(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _check_room(layout: Layout, backup: Backup) -> None:
    size = sum(each.stat().st_size for each in backup.data.rglob("*") if each.is_file())
    free = shutil.disk_usage(layout.data).free
    if free < size + _SPARE_BYTES:
        raise PlatformError(
            f"The backup has {size / 1024**2:.0f} MB, and {free / 1024**2:.0f} MB are free where "
            f"{layout.data} lies: make room first."
        )


def _system_of(data: Path) -> str | None:
    done = subprocess.run(
        [program("pg_controldata"), str(data)],
        env={"LC_ALL": "C"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = _SYSTEM.search(done.stdout)
    return found[1] if found else None


def _recover(
    layout: Layout, backup: Backup, draft: Path, until: datetime | None, earlier: Path | None
) -> dict[str, int]:
    """Replay the log onto a copy of the backup; how many events go out again, by area.

    What the server had not handed over yet is taken from the data directory that is there.
    """
    _prepare(backup, draft, until, earlier)
    try:
        with _running(layout, draft, backup.passwords) as urls:
            return _put_back(urls)
    except _LogEndsError:
        # Nothing was committed later than its end: with the whole log, that is the moment's state.
        if earlier is None or until is None:
            raise
        print("The log is complete, and nothing in it is as late: all of it is restored.")
        _prepare(backup, draft, None, earlier)
        with _running(layout, draft, backup.passwords) as urls:
            return _put_back(urls)


class _LogEndsError(PlatformError):
    """The log does not reach the moment."""


def _prepare(backup: Backup, draft: Path, until: datetime | None, earlier: Path | None) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(backup.data, draft, symlinks=True)
    draft.chmod(0o700)
    fetch = f"gzip -dc {_quoted(backup.archive)}/%f.gz >%p 2>/dev/null"
    if earlier is not None:
        fetch += f" || cp {_quoted(earlier / 'pg_wal')}/%f %p"
    settings = {"restore_command": fetch, "recovery_target_action": "promote"}
    if until is not None:
        settings["recovery_target_time"] = until.isoformat()
    with (draft / "postgresql.auto.conf").open("a") as file:
        for name, value in settings.items():
            escaped = value.replace("'", "''")
            file.write(f"{name} = '{escaped}'\n")
    (draft / "recovery.signal").touch()
    for each in (draft, *draft.rglob("*")):
        hand_over(each)


def _quoted(path: Path) -> str:
    """For the shell, and for PostgreSQL, which puts something in the place of a percent sign."""
    escaped = str(path.absolute()).replace("'", "'\\''").replace("%", "%%")
    return f"'{escaped}'"


@contextlib.contextmanager
def _running(layout: Layout, data: Path, passwords: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The server on that data, once it has replayed the log; addresses by database."""
    spec = Postgres(layout, ()).spec(data)
    log = layout.logs / "restore.log"
    layout.logs.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*spec.command, "-c", "log_min_messages=log", "-c", "unix_socket_directories="],
            env=spec.environment, cwd=spec.cwd, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, user=spec.user, group=spec.user,
            extra_groups=None if spec.user is None else [],
        )  # fmt: skip
    login = f"{ADMIN}:{quote(passwords[ADMIN])}@{HOST}:{layout.postgres}"
    names = ("postgres", *_PUBLISHING, "notifications")
    urls = {name: f"postgresql://{login}/{name}" for name in names}
    try:
        _await_end_of_recovery(process, urls["postgres"], log)
        with psycopg.connect(urls["postgres"], autocommit=True) as connection:
            for name in ("restore_command", "recovery_target_action", "recovery_target_time"):
                connection.execute(f"ALTER SYSTEM RESET {name}".encode())
        yield urls
    finally:
        if process.poll() is None:
            process.send_signal(spec.stop_signal)
        process.wait(spec.stop_seconds)


def _await_end_of_recovery(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    told = time.monotonic()
    while process.poll() is None:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(url, autocommit=True, connect_timeout=5) as connection,
        ):
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
            if row == (False,):
                return
        if time.monotonic() - told > _START_SECONDS:
            told = time.monotonic()
            print(f"  the log is replayed; {log} tells how far", flush=True)
        time.sleep(0.1)
    said = log.read_text("utf-8", "replace")
    if _TOO_SHORT in said:
        last = _LAST.findall(said)
        end = f" at {last[-1]}" if last else " with the backup"
        raise _LogEndsError(
            f"The log that is there ends{end}: name a moment before that, or leave --to out."
        )
    raise PlatformError(f"PostgreSQL could not replay the log; {log} says why.")


def _put_back(urls: Mapping[str, str]) -> dict[str, int]:
    """Have events published again that nobody has handled; how many rows that are, by area.

    From the first such event on all go out again, in their order; readers drop what they know.
    """
    numbers = {}
    for area in _PUBLISHING:
        first = _first_unhandled(urls[area], urls["notifications"], SOURCES[area])
        numbers[area] = 0
        if first is not None:
            connection = Connection(urls[area], "restore", statement_seconds=600)
            numbers[area] = republish(connection, area, first)
            connection.close()
    return numbers


def _first_unhandled(outbox: str, notifications: str, source: str) -> datetime | None:
    handled = "SELECT event_id FROM inbox WHERE source = %s"
    failed = "SELECT event_id FROM dead_letters WHERE source = %s"
    with psycopg.connect(notifications) as connection:
        known = {row[0] for row in connection.execute(f"{handled} UNION {failed}", [source] * 2)}
    published = "SELECT id::text, published_at FROM outbox WHERE published_at IS NOT NULL"
    with psycopg.connect(outbox) as connection:
        found = connection.execute(published)
        moments = [moment for event, moment in found if event not in known]
    return min(moments, default=None)


def _swap(layout: Layout, backup: Backup, draft: Path) -> Path | None:
    """Put the restored databases in the place of what is there; where that is kept."""
    data = layout.data / "postgres"
    kept = None
    if data.exists():
        kept = layout.data / f"postgres.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        data.rename(kept)
    draft.rename(data)
    shutil.copy2(backup.folder / "passwords.json", layout.data / "passwords.json")
    if (backup.folder / "keys").exists() and not layout.keys.exists():
        shutil.copytree(backup.folder / "keys", layout.keys)
    shutil.rmtree(layout.data / "kafka" / "data", ignore_errors=True)
    return kept
