"""Scratch folders with a file that proves who made them; a folder without valid proof is never
deleted.

    PURPOSE-random/       from `tempfile.mkdtemp`
        .toolkit-scratch  the proof: it names this folder, and is locked while the command runs
        files/            the scratch folder itself; all of it is deleted

The file .toolkit-scratch proves nothing if its folder was copied or moved, or was made by another
user. If the outer folder PURPOSE-random/ contains anything besides the file .toolkit-scratch and
the folder files/, the outer folder itself is kept. In this case, only that file and the folder
files/ are deleted.
"""

import contextlib
import fcntl
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

assert sys.platform != "win32"

from toolkit.assignment.running.process.deleting import delete
from toolkit.assignment.running.process.descent import Identity, identity, open_folder
from toolkit.assignment.scratch.left_over import say_left_over

PROOF, FILES = ".toolkit-scratch", "files"
PRIVATE = 0o600  # the mode of a proof
MOST_BYTES = 8192  # of a proof


@contextlib.contextmanager
def scratch_directory(purpose: str) -> Iterator[Path]:
    """Make an empty folder, and delete it with its contents when the `with` block ends.

    If a file cannot be deleted, a message on standard error names the file, and no exception is
    raised.

    Args:
        purpose: a word for what the folder is used for; the folder's name begins with it.
    """
    path = Path(os.path.realpath(tempfile.mkdtemp(prefix=f"{purpose}-")))
    folder = open_folder(path)
    try:
        # A toolkit from before 2026-12 looks for the lock there.
        fcntl.flock(folder, fcntl.LOCK_EX)
        os.fchmod(folder, 0o711)  # another user may get access to `files`
        with _new_proof(path, folder):
            (path / FILES).mkdir(mode=0o700)
            try:
                yield path / FILES
            finally:
                say_left_over(path, _discard(path, folder))
    finally:
        os.close(folder)


def _nothing_first(files: Path) -> list[str]:
    """Do nothing, and report no failures; this is the default for the argument `first` of
    `clear_left_over`.
    """
    return []


def clear_left_over(
    purpose: str,
    kept: Iterable[Path],
    first: Callable[[Path], list[str]] = _nothing_first,
) -> None:
    """Delete the scratch folders that this user's commands left behind when they were killed.

    Args:
        purpose: only folders whose names begin with this text and a hyphen are examined.
        kept: paths that must survive; no folder that contains any of these paths is touched.
        first: a function that cleans up before a folder is deleted; its argument is the path of the
            folder's subfolder `files`. If `first` returns any error messages, the folder is kept.
    """
    protected: set[Identity] = set()
    for path in kept:
        protected.update(_around(path))
    for name in os.listdir(tempfile.gettempdir()):
        path = Path(os.path.realpath(tempfile.gettempdir()), name)
        if not name.startswith(f"{purpose}-"):
            continue
        with contextlib.suppress(OSError), contextlib.ExitStack() as until_the_end:
            folder = open_folder(path)
            until_the_end.callback(os.close, folder)
            if identity(folder) in protected:
                continue
            until_the_end.enter_context(_abandoned_proof(path, folder))
            say_left_over(path, first(path / FILES) or _discard(path, folder))


class NotAbandoned(OSError):
    """The error for a folder that belongs to another user or has no valid proof of ownership."""


@contextlib.contextmanager
def _new_proof(path: Path, folder: int) -> Iterator[None]:
    """Write the proof of ownership, a file that shows who made a new folder, and keep it locked
    until the `with` block ends.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    proof = os.open(PROOF, flags, PRIVATE, dir_fd=folder)
    try:
        fcntl.flock(proof, fcntl.LOCK_EX)
        os.write(proof, json.dumps(_proof_of(path, folder)).encode())
        yield
    finally:
        os.close(proof)


@contextlib.contextmanager
def _abandoned_proof(path: Path, folder: int) -> Iterator[None]:
    """Lock the file that proves who made a scratch folder, provided that the folder was left behind
    by an earlier process of this user.

    Raises:
        NotAbandoned: the folder belongs to another user, or its proof file (which shows who made
            the folder) is invalid or was just deleted.
        OSError: the file that proves who made the folder does not exist, or is locked because the
            folder is in use.
    """
    if os.fstat(folder).st_uid != os.geteuid():
        raise NotAbandoned
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    proof = os.open(PROOF, flags, dir_fd=folder)
    try:
        status = os.fstat(proof)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise NotAbandoned
        fcntl.flock(proof, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another command may have deleted the proof while this command waited.
        is_there = os.fstat(proof).st_nlink == 1
        if not is_there or _parsed(os.read(proof, MOST_BYTES)) != _proof_of(path, folder):
            raise NotAbandoned
        yield
    finally:
        os.close(proof)


def _proof_of(path: Path, folder: int) -> dict[str, object]:
    """Return the contents that the file `.toolkit-scratch` must have to prove who made its folder.

    The file contains the path and the inode of its folder. So if the folder is copied together with
    the file, the copied file does not prove who made the copied folder.
    """
    return {"toolkit": "scratch", "path": os.fsdecode(path), "inode": os.fstat(folder).st_ino}


def _parsed(data: bytes) -> object:
    """Return the parsed JSON contents of a proof of ownership, or None if they cannot be parsed."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _discard(path: Path, folder: int) -> list[str]:
    """Delete a scratch folder whose lock is held. Its subfolder `files` is deleted first, and then
    the file that proves who made the folder. The folder itself is deleted last, if it is empty.

    Returns:
        a message for each file that could not be deleted.
    """
    failures = delete(FILES, folder)
    if failures:
        return failures
    failures = delete(PROOF, folder)
    try:
        if os.lstat(path).st_ino == os.fstat(folder).st_ino:
            os.rmdir(path)
    except FileNotFoundError:
        return failures
    except OSError as error:
        failures.append(f"beside {FILES!r}: {error.strerror}")
    return failures


def _around(path: Path) -> Iterator[Identity]:
    """Yield the device and inode numbers of a path and of all its parent folders that exist."""
    real = Path(os.path.realpath(path))
    for folder in (real, *real.parents):
        with contextlib.suppress(OSError):
            status = os.stat(folder)
            yield status.st_dev, status.st_ino
