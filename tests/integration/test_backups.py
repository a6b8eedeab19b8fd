"""Backups of a real server, and restores into the place of one that has stopped."""

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from local import checks
from local.backups import catalogue, restoring, taking, wal
from local.backups.catalogue import Backup
from local.layout import Layout, PlatformError
from local.postgres import Postgres, server_user
from shop import keys
from shop.migrate import AREAS, migrate
from tests.support.postgres import free_port

SECOND = timedelta(seconds=1)


@dataclass
class Shop:
    """The databases of a shop, which a test starts and stops; a table `told` for what happens."""

    layout: Layout
    said: list[str] = field(default_factory=list)

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.layout, AREAS)

    @contextmanager
    def running(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """A session with the orders' database while the server runs."""
        postgres = self.postgres
        asyncio.run(postgres.initialise())
        with restoring._running(postgres.spec(), self.layout.logs / "postgres.log"):
            asyncio.run(postgres.wait())
            asyncio.run(postgres.create_databases())
            url = postgres.admin_url.removesuffix("postgres") + "orders"
            with psycopg.connect(url, autocommit=True) as connection:
                yield connection

    def back_up(self) -> Backup:
        url = self.postgres.admin_url
        source = taking.Source(url, self.layout.data / "passwords.json", self.layout.keys)
        return taking.take(source, self.layout.backups)

    def restore(self, to: datetime | None) -> restoring.Restored:
        return restoring.restore(self.layout, to, self.said.append)

    def refused(self, to: datetime | None) -> str:
        """Why a restore is refused, which has then changed nothing."""
        before = sorted(path for path in self.layout.data.iterdir() if path.name != "lock")
        with pytest.raises(PlatformError) as refusal:
            self.restore(to)
        assert sorted(p for p in self.layout.data.iterdir() if p.name != "lock") == before
        return str(refusal.value)

    def told(self) -> list[str]:
        with self.running() as session:
            return [str(row[0]) for row in session.execute("SELECT what FROM told ORDER BY what")]


def tell(session: psycopg.Connection[tuple[object, ...]], what: str) -> datetime:
    """Let something happen; the moment after it, at which nothing else does."""
    session.execute("INSERT INTO told VALUES (%s)", [what])
    time.sleep(0.02)
    row = session.execute("SELECT clock_timestamp()").fetchone()
    time.sleep(0.02)
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0].astimezone(UTC)


def archive_all(session: psycopg.Connection[tuple[object, ...]]) -> None:
    """End the segment, and wait until it is archived."""
    (row,) = session.execute("SELECT pg_walfile_name(pg_current_wal_lsn()), pg_switch_wal()")
    while True:
        (done,) = session.execute("SELECT last_archived_wal FROM pg_stat_archiver")
        if str(done[0])[:24] >= str(row[0]):
            return
        time.sleep(0.05)


@pytest.fixture(scope="module")
def sold() -> Iterator[tuple[Shop, Backup, dict[str, datetime]]]:
    """A shop that was backed up between `one` and `two`, and stopped after `four`."""
    folder = Path(tempfile.mkdtemp(prefix="shop-backups-"))
    folder.chmod(0o755)  # PostgreSQL's user is another one where root runs this.
    shop = Shop(Layout(folder, free_port() - Layout(folder).postgres))
    shop.layout.logs.mkdir()
    keys.keep(shop.layout.keys)
    moments = {}
    with shop.running() as session:
        for area in AREAS:
            migrate(area, shop.postgres.url(area))
        session.execute("CREATE TABLE told (what text)")
        moments["one"] = tell(session, "one")
        assert not shop.layout.backups.exists()
        backup = shop.back_up()
        for what in ("two", "three", "four"):
            moments[what] = tell(session, what)
            archive_all(session)
    yield shop, backup, moments
    shutil.rmtree(folder, ignore_errors=True)


Sold = tuple[Shop, Backup, dict[str, datetime]]


def test_a_moment_before_the_first_backup_is_refused(sold: Sold) -> None:
    shop, backup, moments = sold
    why = shop.refused(moments["one"])
    assert why.startswith("Nothing can be restored to before")
    assert f"{backup.ended:%Y-%m-%dT%H:%M:%S}" in why


def test_a_moment_that_is_not_archived_is_refused(sold: Sold) -> None:
    shop, _, moments = sold
    why = shop.refused(moments["four"] + SECOND)
    assert why.startswith("What is archived ends with the transaction of")
    assert "--to latest" in why


def test_a_log_with_a_gap_is_followed_up_to_it_and_no_further(sold: Sold) -> None:
    shop, backup, moments = sold
    hidden = catalogue.archived(backup)[-2]
    shutil.move(shop.layout.data / "postgres", shop.layout.data / "elsewhere")
    hidden.rename(hidden.with_suffix(".hidden"))
    try:
        assert "ends with the transaction" in shop.refused(moments["three"])
    finally:
        hidden.with_suffix(".hidden").rename(hidden)
        shutil.move(shop.layout.data / "elsewhere", shop.layout.data / "postgres")


def test_a_shop_without_a_backup_says_how_to_make_one(sold: Sold, tmp_path: Path) -> None:
    shop, _, moments = sold
    other = Shop(Layout(tmp_path, shop.layout.offset))
    assert "scripts/task backup makes one" in other.refused(moments["two"])


def test_a_shop_that_runs_is_not_restored(sold: Sold) -> None:
    shop, _, moments = sold
    with checks.only_one(shop.layout):
        assert "already runs" in shop.refused(moments["two"])


def test_a_server_that_is_not_ours_is_not_restored(
    sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _, moments = sold
    monkeypatch.setenv("DATABASE_URL", "postgresql://root@db.example.com/postgres")
    assert shop.refused(moments["two"]).startswith("DATABASE_URL names a server")


def test_a_full_disk_is_seen_before_anything_is_copied(
    sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _, moments = sold
    monkeypatch.setattr(taking, "_SPARE_BYTES", 1 << 62)
    assert "make room" in shop.refused(moments["two"])


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        ("PG_VERSION", b"17\n", "PG_VERSION: has other contents"),
        ("postgresql.conf", b"", "postgresql.conf: has 0 bytes, and had"),
        ("global/pg_control", None, "global/pg_control: is missing"),
        ("backup_manifest", b"\n", "backup_manifest: is none"),
    ],
)
def test_a_damaged_backup_is_found_and_not_used(
    sold: Sold, name: str, change: bytes | None, found: str
) -> None:
    shop, backup, moments = sold
    path = backup.base / name
    before = path.read_bytes()
    try:
        if change is None:
            path.unlink()
        else:
            path.write_bytes(change)
        assert [wrong for wrong in catalogue.damage(backup.base) if wrong.startswith(found)]
        assert shop.refused(moments["two"]) == "No backup that leads to that moment is undamaged."
    finally:
        path.write_bytes(before)
    assert list(catalogue.damage(backup.base)) == []


def test_a_manifest_that_was_changed_is_found(sold: Sold) -> None:
    _, backup, _ = sold
    path = backup.base / "backup_manifest"
    before = path.read_bytes()
    try:
        path.write_bytes(before.replace(b"PG_VERSION", b"PG_VERSIOM", 1))
        assert list(catalogue.damage(backup.base)) == ["backup_manifest: has been changed"]
    finally:
        path.write_bytes(before)


def test_a_backup_that_fails_leaves_nothing_and_archives_nothing(
    tmp_path_factory: pytest.TempPathFactory, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _, _ = sold
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(taking, "_ARCHIVE_SECONDS", 0.5)
    with shop.running() as session:
        source = taking.Source(
            shop.postgres.admin_url, shop.layout.data / "passwords.json", shop.layout.keys
        )
        # The server archives into the folder that it was started with, and into no other.
        with pytest.raises(PlatformError, match="The log is not archived into"):
            taking.take(source, elsewhere)
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert [path.name for path in elsewhere.iterdir()] == ["lock"]


def test_a_shop_is_restored_to_moments_before_and_after_an_earlier_restore(sold: Sold) -> None:
    shop, first, moments = sold
    (shop.layout.data / "kafka" / "data").mkdir(parents=True)

    restored = shop.restore(moments["two"])

    assert restored.backup == first
    assert restored.last is not None
    assert moments["two"] - SECOND < restored.last < moments["two"]
    assert shop.told() == ["one", "two"]
    assert not (shop.layout.data / "kafka" / "data").exists()
    assert (shop.layout.data / restoring.REPLACED / "PG_VERSION").exists()
    assert not (shop.layout.data / restoring.RESTORING).exists()
    # What was restored is backed up, under a timeline of its own.
    assert [backup.timeline for backup in catalogue.all_in(shop.layout.backups)] == [1, 2]

    with shop.running() as session:
        later = tell(session, "instead of three")
        archive_all(session)
    assert shop.told() == ["instead of three", "one", "two"]

    # What the first restore has left behind can still be had.
    shop.restore(moments["three"])
    assert shop.told() == ["one", "three", "two"]

    # So can what came after it, with all of the shop's folder lost but the backups.
    for name in ("postgres", "keys"):
        shutil.rmtree(shop.layout.data / name)
    (shop.layout.data / "passwords.json").unlink()
    with pytest.raises(PlatformError, match="ends with the transaction"):
        shop.restore(datetime.now(UTC))
    shop.restore(later - 0.03 * SECOND)
    assert "one" in shop.told()
    assert (shop.layout.keys / keys.TRUSTED).exists()


def test_all_that_there_is_is_restored_with_what_a_killed_server_had_not_archived(
    sold: Sold,
) -> None:
    shop, _, _ = sold
    with shop.running() as session:
        backup = shop.back_up()
        tell(session, "at the last moment")
        killed = subprocess.run(
            ["head", "-1", str(shop.layout.data / "postgres" / "postmaster.pid")],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        subprocess.run(["kill", "-9", killed.strip()], check=True)
    unarchived = [
        each
        for each in catalogue.log_of(backup, shop.layout.data / "postgres")
        if each.parent != backup.archive
    ]
    assert unarchived

    shop.restore(None)

    assert "at the last moment" in shop.told()


def test_older_backups_go_with_the_log_that_only_they_needed(sold: Sold) -> None:
    shop, first, _ = sold
    known = catalogue.all_in(shop.layout.backups)
    kept = known[-2:]
    foreign = shop.layout.backups / "4711" / "2026-01-02T03-04-05Z"
    foreign.mkdir(parents=True)
    (foreign.parent / "wal").mkdir()
    description = {"ended": "2026-01-02T03:04:05+00:00", "timeline": 1, "first": "0", "size": 1}
    (foreign / catalogue.DESCRIPTION).write_text(json.dumps(description))

    gone = catalogue.prune(shop.layout.backups, 2)

    assert len(gone) == len(known) - 2 + 1
    assert catalogue.all_in(shop.layout.backups) == kept
    assert not foreign.parent.exists()
    oldest = min(backup.first[8:] for backup in kept)
    assert min(name[8:] for name in wal.segments(first.archive)) == oldest


def test_the_servers_user_sees_the_archive_and_no_backup(sold: Sold) -> None:
    shop, backup, _ = sold
    user = server_user()
    assert backup.archive.stat().st_mode & 0o777 == 0o700
    if user is not None:
        assert backup.archive.stat().st_uid == user
    for each in catalogue.all_in(shop.layout.backups):
        assert each.folder.stat().st_mode & 0o777 == 0o700
