"""What the grader makes outside of the results and deletes again, and by what it knows it."""

import contextlib
import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from toolkit.assignment.grade.sandbox.isolation import SHARED
from toolkit.assignment.grade.sandbox.share import remove_groups
from toolkit.common.scratch import proved
from toolkit.common.scratch.deleting import delete
from toolkit.common.scratch.descent import open_folder
from toolkit.common.scratch.left_over import say_left_over

PURPOSE = "grade"


def scratch_directory() -> contextlib.AbstractContextManager[Path]:
    """A new directory, locked while it is in use and deleted at the end."""
    return proved.scratch_directory(PURPOSE)


def clear_left_over(kept: Iterable[Path] = ()) -> None:
    """Delete the scratch directories of this user's graders that were killed.

    The control group whose name is written in one goes first, with all that runs in it.

    Args:
        kept: archives and results; what contains one of them is not touched.
    """
    proved.clear_left_over(PURPOSE, kept, remove_groups)


def uids_in_use() -> frozenset[int]:
    """The user ids that have a name, a process or a file where everybody may write.

    Somebody's container may use one of those that a submission would otherwise run under.
    """
    found = {user.pw_uid for user in pwd.getpwall()}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has just ended
            lines = Path("/proc", name, "status").read_bytes().splitlines()
            (uids,) = (line.split()[1:] for line in lines if line.startswith(b"Uid:"))
            found.update(map(int, uids))
    for folder in SHARED:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # it has just been deleted
                    found.add(entry.stat(follow_symlinks=False).st_uid)
    return frozenset(found)


def files_of(uid: int) -> list[Path]:
    """What a user has in the folders where everybody may write."""
    found = []
    for folder in SHARED:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # it has just been deleted
                    if entry.stat(follow_symlinks=False).st_uid == uid:
                        found.append(Path(entry.path))
    return found


def clear_files_of(uid: int) -> None:
    """Delete what a user has left there."""
    for path in files_of(uid):
        parent = open_folder(path.parent)
        try:
            say_left_over(path, delete(path.name, parent))
        finally:
            os.close(parent)
