"""What the verbs `backup` and `restore` do, and what they say of it."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from local.backups import catalogue, restoring, taking, wal
from local.backups.catalogue import Backup
from local.layout import Layout, PlatformError
from local.state import State
from shop.finish_restore import moment

_say: Callable[[str], None] = partial(print, flush=True)


def back_up(layout: Layout, state: State, keep: int) -> None:
    """Back up the shop that runs; only the newest `keep` backups stay."""
    if "postgres" not in state.processes:
        raise PlatformError(
            "The shop uses the server that DATABASE_URL names, which has backups of its own: see "
            "docs/operations.md."
        )
    began = time.monotonic()
    folder = Path(state.backups)
    source = taking.Source(state.admin_database, layout.data / "passwords.json", layout.keys)
    made = taking.take(source, folder)
    gone = catalogue.prune(folder, keep)
    _say(
        f"Backed up {_megabytes(made.size)} in {time.monotonic() - began:.1f} s, to {made.folder}. "
        f"What the shop does from now on is archived beside it, so that it can be brought back to "
        f"any moment after {made.ended:%Y-%m-%dT%H:%M:%SZ}."
    )
    for path in gone:
        _say(f"The backup {path.name} is gone: {keep} are kept.")


def bring_back(layout: Layout, text: str) -> None:
    """Restore the databases of a shop that has stopped to the moment that a text names."""
    to = None
    if text != "latest":
        try:
            to = moment(text)
        except ValueError as error:
            raise PlatformError(
                f"--to is a moment such as 2026-11-27T20:15:00Z: {error}."
            ) from None
    began = time.monotonic()
    restored = restoring.restore(layout, to, _say)
    last = f"{restored.last:%Y-%m-%dT%H:%M:%S.%fZ}" if restored.last else "none after the backup's"
    _say(
        f"Restored in {time.monotonic() - began:.1f} s; the last transaction is that of {last}.\n"
        "Kafka is emptied, and filled again from the outbox when the shop starts: scripts/task up."
    )
    replaced = layout.data / restoring.REPLACED
    if replaced.exists():
        _say(f"The databases before are kept in {replaced} until the next restore.")


def show(folder: Path) -> None:
    """Print the backups, and until when each can be restored."""
    known = catalogue.all_in(folder)
    if not known:
        raise catalogue.no_backup(folder)
    _say(f"  {'BACKUP':<22} {'SIZE':>9}  {'FROM':<20}  {'UNTIL':<20}  {'LOG':>9}")
    for backup in known:
        log = catalogue.archived(backup)
        _say(
            f"  {backup.folder.name:<22} {_megabytes(backup.size):>9}  "
            f"{backup.ended:%Y-%m-%dT%H:%M:%SZ}  {_until(backup, log):%Y-%m-%dT%H:%M:%SZ}  "
            f"{_megabytes(sum(512 * each.stat().st_blocks for each in log)):>9}"
        )
    free = shutil.disk_usage(folder).free
    _say(f"  In {folder}, where {_megabytes(free)} are free; now is {datetime.now(UTC):%H:%M:%SZ}.")


def _until(backup: Backup, log: list[Path]) -> datetime:
    """The end of the last transaction that is archived; where there is none since, the backup's."""
    return max(wal.last_end(log) or backup.ended, backup.ended)


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:.0f} MB"
