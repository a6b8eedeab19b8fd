"""Databases as they were at a moment, in the place of those of a shop that has stopped.

Everything is made beside the data that is there, and takes its place when it is complete: a
restore that fails has changed nothing.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from local import checks, manifests
from local.backups import catalogue, taking, wal
from local.backups.catalogue import Backup
from local.layout import ROOT, Layout, PlatformError
from local.plan import Spec
from local.postgres import Postgres, server_user
from local.state import State
from shop import finish_restore
from shop.connection import Connection

REPLACED = "postgres.replaced"
RESTORING = "restoring"
_STATEMENT_SECONDS = 3_600
_STOP_SECONDS = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has brought: from which backup, and until which transaction."""

    backup: Backup
    last: datetime | None


def restore(layout: Layout, to: datetime | None, say: Say) -> Restored:
    """Restore to a moment or, where it is None, to all that is archived.

    Raises:
        PlatformError: it cannot be done; what was there is there still.
    """
    if os.environ.get("DATABASE_URL"):
        raise PlatformError(
            "DATABASE_URL names a server that is not the shop's own, with backups of its own: "
            "restore there, then see docs/operations.md for what follows. Without the variable, "
            "the server of this machine's shop is meant."
        )
    _check_stopped(layout)
    with checks.only_one(layout):
        checks.check_ports({layout.postgres: "PostgreSQL"})
        backup, log = _choose(layout, to, say)
        draft = Layout(layout.data / RESTORING, layout.offset, layout.backups)
        shutil.rmtree(draft.data, ignore_errors=True)
        _check_room(layout, backup, log)
        try:
            last = _recover(layout, draft, backup, log, to, say)
            _take_place(layout, draft, backup)
        finally:
            shutil.rmtree(draft.data, ignore_errors=True)
    return Restored(backup, last)


def _check_stopped(layout: Layout) -> None:
    try:
        state = State.read(layout)
    except PlatformError:
        return
    raise PlatformError(
        f"The shop on {layout.data} runs (pid {state.pid}), and its databases would be replaced: "
        "stop it first, with scripts/task stop."
    )


def _choose(layout: Layout, to: datetime | None, say: Say) -> tuple[Backup, list[Path]]:
    """The newest sound backup before the moment, and the log from there on."""
    known = catalogue.all_in(layout.backups)
    if not known:
        raise catalogue.no_backup(layout.backups)
    early = [backup for backup in known if to is None or backup.ended <= to]
    if not early:
        raise PlatformError(
            f"Nothing can be restored to before {_text(known[0].ended)}, when the oldest backup "
            f"in {layout.backups} was complete."
        )
    newest = early[-1]
    for backup in reversed(early):
        if (backup.archive, backup.timeline) != (newest.archive, newest.timeline):
            break  # Its log leads elsewhere: to what an earlier restore has left behind.
        log = catalogue.log_of(backup, layout.data / "postgres")
        _check_reach(backup, log, to)
        say(f"The backup {backup.folder.name} is looked through …")
        wrong = list(catalogue.damage(backup.base))
        if not wrong:
            return backup, log
        say(f"  It is damaged, and the one before it is taken: {'; '.join(wrong[:3])}")
    raise PlatformError("No backup that leads to that moment is undamaged.")


def _check_reach(backup: Backup, log: list[Path], to: datetime | None) -> None:
    """Refuse a moment of which the log does not tell any more."""
    if to is None:
        return
    end = wal.last_end(log)
    if end is None or to >= end:
        until = _text(end or backup.ended)
        raise PlatformError(
            f"What is archived ends with the transaction of {until}, and nothing says what "
            f"was at {_text(to)}: choose a moment before it, or --to latest for all there is."
        )


def _check_room(layout: Layout, backup: Backup, log: list[Path]) -> None:
    """Refuse what the disks cannot hold: the databases, what the log adds, and their new backup."""
    # Archived segments have holes.
    size = backup.size + sum(512 * segment.stat().st_blocks for segment in log)
    same = layout.data.stat().st_dev == layout.backups.stat().st_dev
    taking.check_room(layout.data, 2 * size if same else size)
    taking.check_room(layout.backups, size)


def _recover(
    layout: Layout, draft: Layout, backup: Backup, log: list[Path], to: datetime | None, say: Say
) -> datetime | None:
    """Make the databases in the draft; the end of the last transaction that is in them."""
    say(f"The backup is copied, and its log of {len(log)} segments followed …")
    data = _lay_out(draft, backup, log)
    areas = manifests.read(ROOT).areas
    postgres = Postgres(draft, areas)
    target = {"recovery_target_timeline": "current"}
    if to is not None:
        target |= {"recovery_target_time": to.isoformat(), "recovery_target_action": "promote"}
    copy = f"cp {shlex.quote(str(backup.archive))}".replace("%", "%%")
    spec = postgres.spec(
        target | {"restore_command": f"{copy}/%f %p", "unix_socket_directories": ""}
    )
    with _running(spec, layout.logs / "restore.log") as server:
        last = _promoted(server, postgres.admin_url, layout.logs / "restore.log")
        moment = to or datetime.now(UTC)
        for area in finish_restore.AREAS:
            url = postgres.admin_url.removesuffix("postgres") + area
            connection = Connection(url, "restore", statement_seconds=_STATEMENT_SECONDS)
            for line in finish_restore.finish(
                connection, area, to=moment, since=datetime.min.replace(tzinfo=UTC)
            ):
                say(f"  {line}")
            connection.close()
        say("What was restored is backed up, so that it can be restored itself …")
        keys = layout.keys if layout.keys.exists() else backup.folder / "keys"
        source = taking.Source(postgres.admin_url, draft.data / "passwords.json", keys)
        taking.take(source, layout.backups)
    for name in ("backup_label.old", "backup_manifest"):
        (data / name).unlink(missing_ok=True)
    return last


def _lay_out(draft: Layout, backup: Backup, log: list[Path]) -> Path:
    """The data directory as the backup has it, with what of the log is not archived."""
    draft.data.mkdir()
    shutil.copy(backup.folder / "passwords.json", draft.data)
    data = draft.data / "postgres"
    shutil.copytree(backup.base, data)
    for segment in log:
        if segment.parent != backup.archive:
            shutil.copy(segment, data / "pg_wal")
    (data / "recovery.signal").touch()
    data.chmod(0o700)
    user = server_user()
    if user is not None:
        for path in (data, *data.rglob("*")):
            os.chown(path, user, user)
    return data


@contextlib.contextmanager
def _running(spec: Spec, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server for as long as it is needed; it ends in order."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        server = subprocess.Popen(
            spec.command, env=spec.environment, cwd=spec.cwd, user=spec.user, group=spec.user,
            extra_groups=[] if spec.user is not None else None,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield server
    finally:
        server.send_signal(spec.stop_signal)
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGKILL)
            server.wait()


def _promoted(server: subprocess.Popen[bytes], url: str, log: Path) -> datetime | None:
    """Wait until the log has been followed to its end; when the last transaction in it ended."""
    while server.poll() is None:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                row = connection.execute(
                    "SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp()"
                ).fetchone()
                if row is not None and not row[0]:
                    return row[1].astimezone(UTC) if row[1] else None
        except psycopg.OperationalError:
            pass  # It does not listen yet, or is just being promoted.
        time.sleep(0.1)
    last = log.read_text("utf-8", "replace").splitlines()[-5:]
    raise PlatformError("\n".join(("PostgreSQL could not follow the log; it says", *last)))


def _take_place(layout: Layout, draft: Layout, backup: Backup) -> None:
    """Let the restored databases be the shop's; what they replace is kept until the next restore.

    The topics tell of what is no more. The outbox fills them again.
    """
    data, passwords = layout.data / "postgres", layout.data / "passwords.json"
    replaced = layout.data / REPLACED
    shutil.rmtree(replaced, ignore_errors=True)
    if data.exists():
        data.rename(replaced)
        if passwords.exists():
            shutil.copy(passwords, replaced)
    shutil.rmtree(layout.data / "kafka" / "data", ignore_errors=True)
    (draft.data / "passwords.json").replace(passwords)
    (draft.data / "postgres").rename(data)
    if not layout.keys.exists():
        shutil.copytree(backup.folder / "keys", layout.keys)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
