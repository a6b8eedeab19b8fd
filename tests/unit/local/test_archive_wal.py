import os
from pathlib import Path

import pytest

from local.backups import archive_wal, wal

BLOCK = 64 * 1024


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    path = tmp_path / "000000010000000000000002"
    path.write_bytes(os.urandom(BLOCK) + bytes(30 * BLOCK) + b"end" + bytes(BLOCK))
    return path


def test_a_segment_is_kept_as_it_is_and_its_zeros_take_no_room(
    segment: Path, archive: Path
) -> None:
    assert archive_wal.main(segment, archive) == 0
    kept = archive / segment.name
    assert kept.read_bytes() == segment.read_bytes()
    assert 512 * kept.stat().st_blocks < 8 * BLOCK
    assert list(archive.iterdir()) == [kept]


def test_a_segment_that_is_there_already_is_kept_once_and_never_replaced(
    segment: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive_wal.main(segment, archive)
    assert archive_wal.main(segment, archive) == 0

    before = segment.read_bytes()
    segment.write_bytes(bytes(len(before)))
    assert archive_wal.main(segment, archive) == 1
    assert "is there with other contents" in capsys.readouterr().err
    assert (archive / segment.name).read_bytes() == before


def test_a_segment_that_cannot_be_written_is_not_kept_in_part(
    segment: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (archive / f".{segment.name}").mkdir()
    assert archive_wal.main(segment, archive) == 1
    assert "cannot be archived" in capsys.readouterr().err
    assert not (archive / segment.name).exists()


def test_segments_are_named_as_postgresql_does() -> None:
    assert wal.segment_of(1, "0/2000028") == "000000010000000000000002"
    assert wal.segment_of(2, "1A/FF000000") == "000000020000001A000000FF"
    assert wal.segment_before(1, "0/3000000") == "000000010000000000000002"
    assert wal.segment_before(1, "0/3000001") == "000000010000000000000003"


def test_a_chain_ends_at_a_gap_and_goes_over_the_end_of_a_log_file(tmp_path: Path) -> None:
    names = [
        "0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000",
        "000000010000000100000002", "000000020000000100000001", "00000002.history",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).touch()
    found = wal.chain(names[0], wal.segments(tmp_path))
    assert [path.name for path in found] == names[:3]
    assert wal.chain("000000010000000000000001", wal.segments(tmp_path)) == []
    assert wal.segments(tmp_path / "none") == {}


def test_what_is_no_log_tells_of_no_transaction(tmp_path: Path) -> None:
    torn = tmp_path / "000000010000000000000002"
    torn.write_bytes(b"\x00" * BLOCK)
    assert wal.last_end([torn]) is None
