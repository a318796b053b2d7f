"""Creates and deletes the grader's scratch directories, and deletes those that earlier graders left
behind when they were killed.
"""

import contextlib
import os
import pwd
from collections.abc import Iterable, Iterator
from pathlib import Path

from toolkit.assignment.running.process.deleting import delete
from toolkit.assignment.running.process.descent import open_folder
from toolkit.assignment.sandbox.isolation import SHARED
from toolkit.assignment.sandbox.share import remove_groups
from toolkit.assignment.scratch import proved
from toolkit.assignment.scratch.left_over import say_left_over

PURPOSE = "grade"


def scratch_directory() -> contextlib.AbstractContextManager[Path]:
    """Make a scratch directory, lock it while it is in use, and delete it at the end."""
    return proved.scratch_directory(PURPOSE)


def clear_left_over(kept: Iterable[Path] = ()) -> None:
    """Delete the scratch directories that this user's graders left behind when they were killed.

    A file in each directory records the name of the sandbox's control group. Before the directory
    is deleted, all processes in this group are killed, and the group is removed.

    Args:
        kept: the paths of archives and results; a directory that contains such a path is not
            touched.
    """
    proved.clear_left_over(PURPOSE, kept, remove_groups)


def uids_in_use() -> frozenset[int]:
    """Return the ids of all users with an account, a process, or a file in a folder shared by all
    users.

    A submission must not run under a user id that is already in use, for example by another user's
    container.
    """
    uids = {user.pw_uid for user in pwd.getpwall()}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has just ended
            for line in Path("/proc", name, "status").read_bytes().splitlines():
                if line.startswith(b"Uid:"):
                    uids.update(map(int, line.split()[1:]))
    for _, uid in _owners():
        uids.add(uid)
    return frozenset(uids)


def files_of(uid: int) -> list[Path]:
    """Return the files and folders that a user owns in folders shared by all users."""
    return [path for path, owner in _owners() if owner == uid]


def _owners() -> Iterator[tuple[Path, int]]:
    """Yield each path in the folders shared by all users, with its owner's user id."""
    for folder in SHARED:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # it has just been deleted
                    yield Path(entry.path), entry.stat(follow_symlinks=False).st_uid


def clear_files_of(uid: int) -> None:
    """Delete the files that a user owns in folders shared by all users."""
    for path in files_of(uid):
        parent = open_folder(path.parent)
        try:
            say_left_over(path, delete(path.name, parent))
        finally:
            os.close(parent)
