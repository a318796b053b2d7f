"""Scratch folders: what a stranger made in one is deleted, whatever it is, and nothing else is."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from toolkit.assignment.running.process import deleting
from toolkit.assignment.running.process.deleting import delete, empty
from toolkit.assignment.running.process.descent import Descent, Moved, open_folder
from toolkit.assignment.scratch.proved import FILES, PROOF, clear_left_over, scratch_directory
from toolkit.common.files import sweep

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs descriptors of folders")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory of the system, empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def nest(folder: Path, depth: int, name: str) -> None:
    """Folders inside of folders, too deep for a path."""
    here = open_folder(folder)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = open_folder(name, here)
        os.close(here)
        here = below
    os.close(os.open("end", os.O_CREAT, dir_fd=here))
    os.close(here)


def closed(folder: Path) -> None:
    """Folders that nobody may open, one in the other."""
    (folder / "a" / "b" / "c").mkdir(parents=True)
    (folder / "a" / "b" / "file").touch()
    for path in ("a/b/c", "a/b", "a"):
        (folder / path).chmod(0)


def wide(folder: Path) -> None:
    for number in range(100):
        (folder / f"file-{number}").touch()
        (folder / f"folder-{number}").mkdir()


def special(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    (folder / "gone").symlink_to("nowhere")
    (folder / os.fsdecode(b"\xff\n")).touch()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda folder: nest(folder, 1100, "d"), id="deep"),
        pytest.param(lambda folder: nest(folder, 40, "d" * 200), id="long"),
        closed,
        wide,
        special,
    ],
)
def test_whatever_was_made_is_deleted(make: object, place: Path) -> None:
    assert callable(make)
    with scratch_directory("check") as scratch:
        make(scratch)
    assert list(place.iterdir()) == []


def test_links_lead_nowhere(place: Path) -> None:
    """Neither a link itself nor a folder in whose place there is one."""
    (place / "mine").mkdir()
    (place / "mine" / "thesis.tex").touch()
    with scratch_directory("check") as scratch:
        (scratch / "link").symlink_to(place / "mine")
        (scratch / "a").mkdir()
        (scratch / "a" / "up").symlink_to("..")
    assert [path.name for path in place.rglob("*")] == ["mine", "thesis.tex"]
    (place / "linked").symlink_to("mine")
    parent = open_folder(place)
    assert delete("linked", parent) == []
    os.close(parent)
    assert (place / "mine" / "thesis.tex").exists()


def test_what_cannot_be_deleted_is_named_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is gone; the next one, which can, deletes it."""
    unlink = os.unlink

    def refuse(name: str, *, dir_fd: int | None = None) -> None:
        if name == "fast":
            raise PermissionError(1, "Operation not permitted")
        unlink(name, dir_fd=dir_fd)

    with monkeypatch.context() as patched:
        patched.setattr(deleting.os, "unlink", refuse)
        with scratch_directory("grade") as scratch:
            (scratch / "a").mkdir()
            for name in ("fast", "loose"):
                (scratch / "a" / name).touch()
        (left,) = place.iterdir()
        assert [path.name for path in (left / FILES).rglob("*")] == ["a", "fast"]
        said = f"Left over: {left} ('fast': Operation not permitted).\n"
        assert capsys.readouterr().err == said
    clear_left_over("grade", [])
    assert list(place.iterdir()) == []


def test_a_folder_that_moves_leads_nowhere_else(tmp_path: Path) -> None:
    """The way up is not believed where it does not lead back."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    first = open_folder(tmp_path)
    with Descent(first) as descent:
        descent.down(open_folder("a", descent.here))
        descent.down(open_folder("b", descent.here))
        (tmp_path / "a" / "b").rename(tmp_path / "elsewhere" / "b")
        with pytest.raises(Moved):
            descent.up()
    os.close(first)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts")
def test_what_is_mounted_stays(tmp_path: Path) -> None:
    """Of the same file system too, which its device does not tell."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    (tmp_path / "scratch" / "a" / "mounted").mkdir(parents=True)
    (tmp_path / "scratch" / "a" / "theirs").touch()
    program = (
        f"mount --bind {tmp_path}/mine {tmp_path}/scratch/a/mounted && exec {sys.executable} -c "
        "'from toolkit.assignment.running.process.deleting import *; import os, sys;"
        'print(empty(os.open(sys.argv[1], 0)), delete("scratch", os.open(sys.argv[2], 0)))\' '
        f"{tmp_path}/scratch {tmp_path}"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("needs a container that allows mounts")
    assert done.stdout == "[] [\"'scratch': Directory not empty\"]\n", done.stderr
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == [
        *("mine", "thesis.tex", "scratch", "a", "mounted")
    ]


def test_a_killed_maker_leaves_nothing_for_long(place: Path) -> None:
    """The next one deletes its folder, and none that is in use."""
    program = (
        "import time\nfrom toolkit.assignment.scratch.proved import scratch_directory\n"
        "with scratch_directory('grade') as scratch:\n    (scratch / 'submission').mkdir()\n"
        "    print(scratch, flush=True)\n    time.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    theirs = Path(running.stdout.readline().strip())
    with scratch_directory("grade") as mine:
        clear_left_over("grade", [])
        assert (theirs / "submission").exists()
        running.kill()
        running.communicate()
        clear_left_over("grade", [])
        assert list(place.iterdir()) == [mine.parent]
    assert list(place.iterdir()) == []


def test_what_others_put_beside_stays(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with scratch_directory("grade") as scratch:
        (scratch / "ours").touch()
        (scratch.parent / "notes.txt").touch()
    assert [path.name for path in scratch.parent.iterdir()] == ["notes.txt"]
    assert "beside 'files': Directory not empty" in capsys.readouterr().err


def test_a_copy_is_not_what_was_copied(place: Path) -> None:
    """Nor is what was moved to another name; the folder itself may be opened by nobody else."""
    with scratch_directory("grade") as scratch:
        shutil.copytree(scratch.parent, place / "grade-copy")
        assert stat.S_IMODE((scratch.parent / PROOF).stat().st_mode) == 0o600
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
    clear_left_over("grade", [])
    (place / "grade-copy").rename(place / "grade-moved")
    clear_left_over("grade", [])
    assert sorted(path.name for path in place.rglob("*")) == [PROOF, FILES, "grade-moved"]


def test_a_folder_is_emptied_and_stays(tmp_path: Path) -> None:
    wide(tmp_path)
    folder = open_folder(tmp_path)
    assert empty(folder) == []
    os.close(folder)
    assert list(tmp_path.iterdir()) == []


def test_only_what_was_half_written_is_swept(tmp_path: Path) -> None:
    """By the name that `atomic_write` gives it; other hidden files are somebody's."""
    theirs = [".notes.tmp", ".model.pt.1234.tmp", ".tmp", "model.pt.0123abcd.tmp"]
    for name in (*theirs, ".model.pt.0123abcd.tmp"):
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(theirs)
