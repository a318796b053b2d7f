"""Folders of other people whose names look like the kit's: none of them may be touched."""

import contextlib
import io
import os
import random
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from mishaps import Outcome
from toolkit.assignment.scratch import proved
from toolkit.assignment.scratch.proved import FILES, PROOF, clear_left_over, scratch_directory

PURPOSES = ("check", "viva", "export", "pack", "report", "tutor", "grader", "grade", "demo")
ANOTHER_USER = 54321
Look = dict[str, tuple[object, ...]]  # path -> its kind and mode, its owner, its content


def folders(count: int, seed: int) -> Iterator[Outcome]:
    """Try `count` layouts of a temporary directory, and yield the outcomes.

    Each layout contains what graders leave behind, and things that belong to other people. Other
    people add things before, during and after the kit's work there. Nothing of theirs may be lost,
    and what a killed process left behind must be deleted.
    """
    for k in range(count):
        rng = random.Random(f"{seed} folders {k}")
        with tempfile.TemporaryDirectory() as name, io.StringIO() as output:
            directory = Path(os.path.realpath(name))
            with (
                mock.patch.object(tempfile, "tempdir", str(directory)),
                contextlib.redirect_stderr(output),
            ):
                lost = _Layout(rng, directory).work()
            for path in directory.iterdir():  # so that any user can delete it
                if path.is_dir() and not path.is_symlink():
                    path.chmod(stat.S_IRWXU)
        detail = f"layout {k} of seed {seed}: {lost}"
        outcome = "lost" if lost else "nothing changed"
        yield Outcome("folders with the kit's names", outcome, detail)


class _Layout:
    """A temporary directory with folders of graders and of other people."""

    def __init__(self, rng: random.Random, directory: Path) -> None:
        self._rng, self._directory = rng, directory
        self._theirs: dict[Path, Look] = {}
        self._kept: list[Path] = []  # archives and results
        self._left: list[Path] = []  # left behind by killed graders, to be deleted

    def work(self) -> str:
        """Let the kit work in the directory; return the losses and leftovers in words, or "" if
        there are none.
        """
        self._strangers()
        for _ in range(self._rng.randrange(3)):
            self._left.append(self._killed())
        with scratch_directory(self._rng.choice(PURPOSES)) as scratch:
            self._fill(scratch)
            self._strangers()
            clear_left_over("grade", self._kept)
            if not scratch.exists():
                return "a folder in use"
        self._strangers()
        clear_left_over("grade", self._kept)
        losses = []
        for path, look in self._theirs.items():
            if _look(path) != look:
                losses.append(path.name)
        for path in self._directory.iterdir():
            if path not in self._theirs:
                losses.append(f"{path.name} is left")
        return " ".join(losses)

    def _strangers(self) -> None:
        """Make a few things that belong to other people, and record their state."""
        makers: list[Callable[[Path], Path]] = [
            self._folder, self._file, self._link, self._copy_of_one_left, self._moved,
            self._proof_by_hand, self._strange_proof, self._with_archives, self._in_use_elsewhere,
        ]  # fmt: skip
        made = [self._rng.choice(makers)(self._name()) for _ in range(self._rng.randrange(1, 4))]
        for path in made:
            if os.geteuid() == 0 and self._rng.random() < 0.3:
                os.chown(path, ANOTHER_USER, ANOTHER_USER, follow_symlinks=False)
            if path.is_dir() and not path.is_symlink() and self._rng.random() < 0.2:
                path.chmod(self._rng.choice([0o500, 0o555, 0o777]))
            self._theirs[path] = _look(path)

    def _name(self) -> Path:
        purpose = self._rng.choice([*PURPOSES, "grade", "grade"])
        word = self._rng.choice(["exam", "2026", "archives", "x8_k2q1", ""])
        return self._directory / f"{purpose}-{word}{self._rng.randrange(10**6)}"

    def _fill(self, folder: Path) -> None:
        """Fill a folder with files, folders, and links to other people's things."""
        deep = folder
        for _ in range(self._rng.randrange(6)):
            deep = deep / self._rng.choice(["a", "b", "files", "notes.txt"])
            deep.mkdir(exist_ok=True)
            (deep / "12345678_assignment3.zip").write_bytes(self._rng.randbytes(10))
        for number, path in enumerate(self._theirs):
            (folder / f"link-{number}").symlink_to(path)
        if self._rng.random() < 0.5 and deep != folder:  # the folder itself must stay writable
            deep.chmod(0)

    def _folder(self, path: Path) -> Path:
        path.mkdir()
        if self._rng.random() < 0.7:
            self._fill(path)
        return path

    def _file(self, path: Path) -> Path:
        path.write_bytes(self._rng.randbytes(20))
        return path

    def _link(self, path: Path) -> Path:
        path.symlink_to(self._rng.choice([self._killed_and_kept(), Path("/usr"), Path("nowhere")]))
        return path

    def _killed(self) -> Path:
        """Leave all files of a killed grader; nobody holds the lock."""
        with (
            mock.patch.object(proved, "_discard", return_value=[]),
            scratch_directory("grade") as scratch,
        ):
            (scratch / "submission").mkdir()
            self._fill(scratch)
        return scratch.parent

    def _killed_and_kept(self) -> Path:
        """Leave the files of a killed grader with archives among them, so that all must be kept."""
        made = self._killed()
        inside = made / FILES / "archives"
        inside.mkdir()
        self._kept.append(inside / "class" if self._rng.random() < 0.3 else inside)
        self._theirs[made] = _look(made)
        return made

    def _with_archives(self, path: Path) -> Path:
        return self._killed_and_kept()

    def _copy_of_one_left(self, path: Path) -> Path:
        made = self._killed_and_kept()
        shutil.copytree(made, path, symlinks=True, ignore=_closed)
        return path

    def _moved(self, path: Path) -> Path:
        return self._killed().rename(path)

    def _proof_by_hand(self, path: Path) -> Path:
        """Make a folder with a proof that belongs to another folder or is invalid."""
        real = self._killed_and_kept() / PROOF
        self._folder(path)
        texts = [real.read_bytes(), b"", b"{}", b"[" * 5000, self._rng.randbytes(100)]
        (path / PROOF).write_bytes(self._rng.choice(texts))
        return path

    def _strange_proof(self, path: Path) -> Path:
        """Make a folder whose proof is not a regular file but a folder, a pipe or a link."""
        real = self._killed_and_kept() / PROOF
        path.mkdir()
        proof = path / PROOF
        make = self._rng.choice([proof.mkdir, lambda: os.mkfifo(proof),
                                 lambda: proof.symlink_to(real)])  # fmt: skip
        make()
        return path

    def _in_use_elsewhere(self, path: Path) -> Path:
        """Replace the proof of a killed grader's files by somebody's notes, so that all must be
        kept.
        """
        made = self._killed()
        (made / PROOF).unlink()
        (made / "notes.txt").write_text("mine", encoding="utf-8")
        return made


def _closed(folder: str, names: list[str]) -> set[str]:
    """Return the names of the files that this user cannot read and thus cannot copy."""
    return {name for name in names if not os.access(Path(folder, name), os.R_OK)}


def _look(path: Path) -> Look:
    """Return the state of a file, or of everything in a folder, so that any change can be seen."""
    look: Look = {}
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if not os.path.lexists(current):
            continue
        status = os.lstat(current)
        content: object = status.st_ino
        if stat.S_ISREG(status.st_mode) and os.access(current, os.R_OK):
            content = current.read_bytes()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(current)
        elif stat.S_ISDIR(status.st_mode) and os.access(current, os.R_OK | os.X_OK):
            waiting += current.iterdir()
        look[str(current)] = (status.st_mode, status.st_uid, content)
    return look
