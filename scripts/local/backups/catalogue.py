"""The backups that there are: their files, which is good for a moment, and which are too many.

`<folder>/<system identifier>/<moment>/` is a backup: `base/` as pg_basebackup writes it, the
passwords and keys that belong to it, and `backup.json`, which comes last. `<system
identifier>/wal/` is the archive of the write-ahead log that goes on from there. Databases that
were made anew have another identifier, so that two logs never mix.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from local.backups import wal
from local.layout import PlatformError
from local.postgres import program, system_identifier

DESCRIPTION = "backup.json"
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was finished.

    It can be restored to any moment from `ended` on that the log tells of. `first` is the segment
    from which on it needs the log, `size` how many bytes it has.
    """

    folder: Path
    ended: datetime
    timeline: int
    first: str
    size: int

    @property
    def base(self) -> Path:
        """The data directory as it was copied."""
        return self.folder / "base"

    @property
    def archive(self) -> Path:
        """The folder of the log."""
        return self.folder.parent / "wal"

    def write(self) -> None:
        """Say what it is; without this it is none."""
        document = {
            "ended": self.ended.isoformat(),
            "timeline": self.timeline,
            "first": self.first,
            "size": self.size,
        }
        (self.folder / DESCRIPTION).write_text(json.dumps(document, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Backup":
        """The backup in a folder."""
        document = json.loads((folder / DESCRIPTION).read_text())
        return cls(folder, **document | {"ended": datetime.fromisoformat(document["ended"])})


def all_in(folder: Path) -> list[Backup]:
    """Every backup, the oldest first."""
    found = (Backup.read(path.parent) for path in folder.glob(f"*/*/{DESCRIPTION}"))
    return sorted(found, key=lambda backup: backup.ended)


def archived(backup: Backup) -> list[Path]:
    """The log that is archived from a backup on."""
    return wal.chain(backup.first, wal.segments(backup.archive))


def log_of(backup: Backup, data: Path) -> list[Path]:
    """The log from a backup on: what is archived, and then what a server left that has stopped.

    `data` is the server's directory, which may be another one's, or gone. What is archived has
    the say: a server keeps segments of its own that it has not filled.
    """
    found = wal.segments(backup.archive)
    if data.exists() and system_identifier(data) == backup.folder.parent.name:
        found = wal.segments(data / "pg_wal") | found
    return wal.chain(backup.first, found)


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest backups, and the log that no backup needs; what is gone."""
    known = all_in(folder)
    gone = [backup.folder for backup in known[:-keep]]
    for path in gone:
        # Whatever happens meanwhile: it is no backup from here on.
        (path / DESCRIPTION).unlink()
        shutil.rmtree(path)
    left = known[-keep:]
    for store in {path.parent for path in gone}:
        needed = [backup.first for backup in left if backup.folder.parent == store]
        if needed:
            oldest = min(needed, key=lambda name: name[8:])
            clean = [str(program("pg_archivecleanup")), str(store / "wal"), oldest]
            subprocess.run(clean, check=True, stdout=subprocess.DEVNULL)
        else:
            shutil.rmtree(store)
    return gone


def damage(base: Path) -> Iterator[str]:
    """What in a base backup is not as its manifest says; nothing where all is.

    It asks what pg_verifybackup does, which crashes as the wheel builds it.
    """
    text = (base / "backup_manifest").read_bytes()
    try:
        manifest = json.loads(text)
    except ValueError:
        yield "backup_manifest: is none"
        return
    signed, _, _ = text.rpartition(b'"Manifest-Checksum"')
    if hashlib.sha256(signed).hexdigest() != manifest["Manifest-Checksum"]:
        yield "backup_manifest: has been changed"
        return
    for entry in manifest["Files"]:
        name = _name(entry)
        path = base / name
        if not path.is_file():
            yield f"{name}: is missing"
        elif path.stat().st_size != entry["Size"]:
            yield f"{name}: has {path.stat().st_size} bytes, and had {entry['Size']}"
        elif _sha256(path) != entry["Checksum"]:
            yield f"{name}: has other contents"
    for needed in manifest["WAL-Ranges"]:
        if not _readable(base, needed):
            yield f"pg_wal: cannot be read from {needed['Start-LSN']} to {needed['End-LSN']}"


def manifest_of(base: Path) -> dict[str, Any]:
    """The manifest of a base backup."""
    document: dict[str, Any] = json.loads((base / "backup_manifest").read_bytes())
    return document


def _name(entry: dict[str, Any]) -> str:
    encoded = entry.get("Encoded-Path")
    return bytes.fromhex(encoded).decode() if encoded else str(entry["Path"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _readable(base: Path, needed: dict[str, Any]) -> bool:
    command = [
        str(program("pg_waldump")), "--quiet", f"--path={base / 'pg_wal'}",
        f"--timeline={needed['Timeline']}", f"--start={needed['Start-LSN']}",
        f"--end={needed['End-LSN']}",
    ]  # fmt: skip
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0


def no_backup(folder: Path) -> PlatformError:
    """What is said where there is none."""
    return PlatformError(
        f"There is no backup in {folder}: scripts/task backup makes one of a shop that runs."
    )
