"""Scratch directories do not stay for long, even when the grader is killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from toolkit.assignment.grade.sandbox import scratch
from toolkit.assignment.grade.sandbox.scratch import (
    clear_files_of,
    clear_left_over,
    files_of,
    scratch_directory,
)
from toolkit.assignment.grade.sandbox.supervise import more_on_disk_than

ROOT = Path(__file__).parents[4]


def test_a_killed_grader_leaves_nothing_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one deletes its scratch directory, and none that is in use."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = (
        "import time\nfrom toolkit.assignment.grade.sandbox.scratch import scratch_directory\n"
        "with scratch_directory() as scratch:\n    (scratch / 'submission').mkdir()\n"
        "    print(scratch, flush=True)\n    time.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    theirs = Path(running.stdout.readline().strip())
    with scratch_directory() as mine:
        clear_left_over()
        assert (theirs / "submission").exists()
        running.kill()
        running.communicate()
        clear_left_over()
        assert list(tmp_path.iterdir()) == [mine]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it gives files to another user")
def test_what_another_user_leaves_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders, hidden files and links, and nothing that a link leads to or that is not theirs."""
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    for folder in (shared, mine, shared / "folder"):
        folder.mkdir()
    for path in (mine / "file", shared / "mine", shared / ".hidden", shared / "folder" / "file"):
        path.write_bytes(b"x")
    (shared / "link").symlink_to(mine)
    monkeypatch.setattr(scratch, "SHARED", (str(shared), str(tmp_path / "no such folder")))
    theirs = [shared / ".hidden", shared / "folder", shared / "link"]
    for path in theirs:
        os.chown(path, 54321, 54321, follow_symlinks=False)
    assert sorted(files_of(54321)) == theirs
    clear_files_of(54321)
    assert [path.name for path in shared.iterdir()] == ["mine"]
    assert [path.name for path in mine.iterdir()] == ["file"]


def test_what_is_on_disk(tmp_path: Path) -> None:
    """All places together count, in whole pages; a link leads nowhere."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "many").write_bytes(bytes(100_000))
    (tmp_path / "file").write_bytes(bytes(100_000))
    (tmp_path / "link").symlink_to("/usr")
    places = [tmp_path / "folder", tmp_path / "file", tmp_path / "link", tmp_path / "gone"]
    assert more_on_disk_than(190_000, places)
    assert not more_on_disk_than(300_000, places)
