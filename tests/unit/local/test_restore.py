"""A restore says why it cannot be done, and a backup that is broken is not restored."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.backup import KEPT, _forget_old, back_up, backups, verify
from local.checks import only_one
from local.commands import main
from local.layout import Layout, PlatformError
from local.restore import restore

NOW = datetime.now(UTC)


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return Layout(tmp_path)


def make_backup(layout: Layout, finished: datetime, first: str = "0" * 24) -> Path:
    folder = layout.backups / "7" / f"{finished:%Y%m%dT%H%M%S}"
    data = folder / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    checksum = hashlib.sha256(b"18\n").hexdigest()
    files = [{"Path": "PG_VERSION", "Checksum": checksum}]
    (data / "backup_manifest").write_text(json.dumps({"Files": files}))
    record = {"finished": finished.isoformat(), "first_segment": first}
    (folder / "backup.json").write_text(json.dumps(record))
    return folder


def test_without_a_backup_there_is_nothing_to_restore(layout: Layout) -> None:
    with pytest.raises(PlatformError, match="scripts/task backup makes one"):
        restore(layout, None)


def test_a_moment_before_the_oldest_backup_is_refused(layout: Layout) -> None:
    make_backup(layout, NOW - timedelta(hours=1))

    with pytest.raises(PlatformError, match="nothing before it can be restored"):
        restore(layout, NOW - timedelta(hours=2))


def test_a_moment_that_is_yet_to_come_is_refused(layout: Layout) -> None:
    make_backup(layout, NOW - timedelta(hours=1))

    with pytest.raises(PlatformError, match="is yet to come"):
        restore(layout, NOW + timedelta(hours=1))


def test_a_shop_that_runs_is_not_restored(layout: Layout) -> None:
    make_backup(layout, NOW - timedelta(hours=1))

    with only_one(layout), pytest.raises(PlatformError, match="already runs"):
        restore(layout, None)


def test_a_server_that_is_not_the_platforms_is_left_to_its_own_tools(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/postgres")

    with pytest.raises(PlatformError, match="with its own tools"):
        restore(layout, None)


def test_a_shop_that_does_not_run_is_not_backed_up(layout: Layout) -> None:
    with pytest.raises(PlatformError, match="does not run"):
        back_up(layout)


def test_a_file_that_has_changed_since_is_found(layout: Layout) -> None:
    folder = make_backup(layout, NOW - timedelta(hours=1))
    verify(folder / "postgres")
    (folder / "postgres" / "PG_VERSION").write_text("17\n")

    with pytest.raises(PlatformError, match="is not what was copied"):
        restore(layout, None)


def test_a_file_that_is_missing_is_found(layout: Layout) -> None:
    folder = make_backup(layout, NOW - timedelta(hours=1))
    (folder / "postgres" / "PG_VERSION").unlink()

    with pytest.raises(PlatformError, match="lacks a file"):
        restore(layout, None)


def test_the_last_backups_are_kept_with_the_log_that_they_need(layout: Layout) -> None:
    segments = [f"00000001000000000000000{number}" for number in range(1, KEPT + 3)]
    wal = layout.backups / "7" / "wal"
    wal.mkdir(parents=True)
    for number, segment in enumerate(segments):
        make_backup(layout, NOW + timedelta(minutes=number), segment)
        (wal / f"{segment}.gz").touch()

    _forget_old(layout.backups / "7")

    assert [each.first_segment for each in backups(layout)] == segments[-KEPT:]
    assert sorted(path.name for path in wal.iterdir()) == [f"{s}.gz" for s in segments[-KEPT:]]


@pytest.mark.parametrize("text", ["yesterday", "2026-11-27T20:15:00"])
def test_a_moment_without_its_offset_is_no_moment(text: str) -> None:
    with pytest.raises(SystemExit):
        main(["restore", "--to", text])
