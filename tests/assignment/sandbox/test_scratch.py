"""What a grader finds of other users and of other graders, and what it counts and deletes."""

import os
import tempfile
from pathlib import Path

import pytest

from toolkit.assignment.sandbox import isolation, scratch
from toolkit.assignment.sandbox.counting import (
    UNCOUNTED,
    in_memory,
    memory,
    more_on_disk_than,
    nameless_files,
)
from toolkit.assignment.sandbox.isolation import Isolation
from toolkit.assignment.sandbox.scratch import clear_files_of, files_of, uids_in_use

from ..scratch.test_scratch import nest


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it gives files to another user")
def test_what_another_user_leaves_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deep folders, hidden files and links, and nothing that a link leads to or is not theirs."""
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    for folder in (shared, mine, shared / "folder"):
        folder.mkdir()
    for path in (mine / "file", shared / "mine", shared / ".hidden", shared / "folder" / "file"):
        path.write_bytes(b"x")
    nest(shared / "folder", 1100, "d")
    (shared / "link").symlink_to(mine)
    monkeypatch.setattr(scratch, "SHARED", (str(shared), str(tmp_path / "no such folder")))
    theirs = [shared / ".hidden", shared / "folder", shared / "link"]
    for path in theirs:
        os.chown(path, 54321, 54321, follow_symlinks=False)
    assert sorted(files_of(54321)) == theirs
    assert 54321 in uids_in_use()
    clear_files_of(54321)
    assert [path.name for path in shared.iterdir()] == ["mine"]
    assert [path.name for path in mine.iterdir()] == ["file"]


def test_a_user_id_that_somebody_has_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has a name, a process or a file keeps it: as in a container with few user ids."""
    assert {0, os.getuid()} <= uids_in_use()
    (tmp_path / "uid_map").write_text("0 100000 65536\n")
    monkeypatch.setattr(isolation, "UID_MAP", tmp_path / "uid_map")
    usual = Isolation("limits", drop_user=True).uid_of(1)
    assert usual == 10_001
    other = Isolation("limits", drop_user=True, taken=frozenset({10_001})).uid_of(1)
    assert other is not None
    assert other != usual
    assert 10_000 <= other < 60_000


def test_what_is_on_disk(tmp_path: Path) -> None:
    """All places together count, in whole pages; a link leads nowhere."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "many").write_bytes(bytes(100_000))
    (tmp_path / "file").write_bytes(bytes(100_000))
    (tmp_path / "link").symlink_to("/usr")
    places = [tmp_path / "folder", tmp_path / "file", tmp_path / "link", tmp_path / "gone"]
    assert more_on_disk_than(190_000, places)
    assert not more_on_disk_than(300_000, places)


def test_what_lies_too_deep_for_a_path_counts(tmp_path: Path) -> None:
    """Where names are long, and where folders are many; deleted by hand, as pytest cannot."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name, "folder")
        folder.mkdir()
        nest(folder, 40, "d" * 200)
        assert more_on_disk_than(40 * 4096, [folder])
        assert not more_on_disk_than(60 * 4096, [folder])


def test_what_cannot_be_counted_is_over_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed folder, whoever may look; and a process that shows nothing."""
    scandir = os.scandir
    (tmp_path / "closed").mkdir()
    closed = (tmp_path / "closed").stat().st_ino

    def refuse(folder: int) -> object:
        if os.fstat(folder).st_ino == closed:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert more_on_disk_than(2**40, [tmp_path])

    def hidden(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", hidden)
    monkeypatch.setattr(os, "statvfs", hidden)
    assert memory(os.getpid()) >= UNCOUNTED
    assert in_memory([os.getpid()], 2**20) == UNCOUNTED
    monkeypatch.undo()
    assert in_memory([os.getpid()], 1) is None  # nothing of bubblewrap's


def test_files_without_a_name_count(tmp_path: Path) -> None:
    """Deleted, and still open."""
    before = nameless_files([os.getpid()])
    with open(tmp_path / "file", "wb") as file:
        file.write(bytes(1_000_000))
        file.flush()
        assert nameless_files([os.getpid()]) == before
        (tmp_path / "file").unlink()
        assert nameless_files([os.getpid()]) >= before + 1_000_000
    assert nameless_files([os.getpid(), 2**22 + 1]) == before
