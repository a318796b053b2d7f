"""A folder for a while, with a proof of who made it: nothing without that proof is ever deleted.

    PURPOSE-random/       from `tempfile.mkdtemp`
        .toolkit-scratch  the proof: says which folder it is in; locked as long as its maker lives
        files/            what is used, and all that is deleted with it

A folder that was copied or moved, or that another user made, has no proof of its own. What somebody
has put beside `files` stays, and so does the folder around it.
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

from toolkit.common.scratch.deleting import delete
from toolkit.common.scratch.descent import Identity, identity, open_folder
from toolkit.common.scratch.left_over import say_left_over

PROOF, FILES = ".toolkit-scratch", "files"
PRIVATE = 0o600  # its mode
MOST_BYTES = 8192  # of a proof


@contextlib.contextmanager
def scratch_directory(purpose: str) -> Iterator[Path]:
    """A new, empty folder for one purpose; at the end it is deleted with all that is in it.

    What cannot be deleted is named on the error output, and stops nothing.

    Args:
        purpose: the beginning of its name.
    """
    made = Path(os.path.realpath(tempfile.mkdtemp(prefix=f"{purpose}-")))
    folder = open_folder(made)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # for a toolkit of before 2026-12, which looks there
        os.fchmod(folder, 0o711)  # another user may be let into `files`
        with _new_proof(made, folder):
            (made / FILES).mkdir(mode=0o700)
            try:
                yield made / FILES
            finally:
                say_left_over(made, _discard(made, folder))
    finally:
        os.close(folder)


def clear_left_over(
    purpose: str,
    kept: Iterable[Path],
    first: Callable[[Path], list[str]] = lambda files: [],
) -> None:
    """Delete the folders that makers of this user left because they were killed.

    Args:
        purpose: for which they were made.
        kept: no folder that contains one of these is touched.
        first: called with `files` before it is deleted; returns what keeps it from that.
    """
    protected = {one for path in kept for one in _around(path)}
    for name in os.listdir(tempfile.gettempdir()):
        made = Path(os.path.realpath(tempfile.gettempdir()), name)
        if not name.startswith(f"{purpose}-"):
            continue
        with contextlib.suppress(OSError), contextlib.ExitStack() as until_the_end:
            folder = open_folder(made)
            until_the_end.callback(os.close, folder)
            if identity(folder) in protected:
                continue
            until_the_end.enter_context(_abandoned_proof(made, folder))
            say_left_over(made, first(made / FILES) or _discard(made, folder))


class NotAbandoned(OSError):
    """A folder is in use, or nothing proves who made it."""


@contextlib.contextmanager
def _new_proof(made: Path, folder: int) -> Iterator[None]:
    """The proof of a new folder, and the lock on it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    proof = os.open(PROOF, flags, PRIVATE, dir_fd=folder)
    try:
        fcntl.flock(proof, fcntl.LOCK_EX)
        os.write(proof, json.dumps(_said(made, folder)).encode())
        yield
    finally:
        os.close(proof)


@contextlib.contextmanager
def _abandoned_proof(made: Path, folder: int) -> Iterator[None]:
    """The lock on a folder whose maker is gone, and was of this user.

    Raises:
        NotAbandoned: it is none.
        OSError: there is no proof, or it is locked.
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
        # Another one may have deleted it while this one waited.
        is_there = os.fstat(proof).st_nlink == 1
        if not is_there or not _says(os.read(proof, MOST_BYTES), _said(made, folder)):
            raise NotAbandoned
        yield
    finally:
        os.close(proof)


def _said(made: Path, folder: int) -> dict[str, object]:
    """A proof's content: the folder in which it lies, which is so of no copy of that folder."""
    return {"toolkit": "scratch", "path": os.fsdecode(made), "inode": os.fstat(folder).st_ino}


def _says(data: bytes, said: dict[str, object]) -> bool:
    try:
        return bool(json.loads(data) == said)
    except (ValueError, RecursionError):
        return False


def _discard(made: Path, folder: int) -> list[str]:
    """Delete a folder whose lock is held: `files`, then the proof, then the folder if it is empty.

    Returns:
        what is left and why.
    """
    left = delete(FILES, folder)
    if left:
        return left
    left = delete(PROOF, folder)
    try:
        if os.lstat(made).st_ino == os.fstat(folder).st_ino:
            os.rmdir(made)
    except FileNotFoundError:
        return left
    except OSError as error:
        left.append(f"beside {FILES!r}: {error.strerror}")
    return left


def _around(path: Path) -> Iterator[Identity]:
    """A folder and all that contain it; those above one that is not there yet."""
    real = Path(os.path.realpath(path))
    for folder in (real, *real.parents):
        with contextlib.suppress(OSError):
            status = os.stat(folder)
            yield status.st_dev, status.st_ino
