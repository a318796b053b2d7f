"""The grader's scratch directories: how they are made, recognised after a kill, and deleted."""

import contextlib
import os
import pwd
from collections.abc import Iterable, Iterator
from pathlib import Path

from toolkit.assignment.grade.sandbox.isolation import SHARED
from toolkit.assignment.grade.sandbox.share import remove_groups
from toolkit.common.scratch import proved
from toolkit.common.scratch.deleting import delete
from toolkit.common.scratch.descent import open_folder
from toolkit.common.scratch.left_over import say_left_over

PURPOSE = "grade"


def scratch_directory() -> contextlib.AbstractContextManager[Path]:
    """Make a directory that is locked while it is in use, and delete it at the end."""
    return proved.scratch_directory(PURPOSE)


def clear_left_over(kept: Iterable[Path] = ()) -> None:
    """Delete the scratch directories of this user's killed graders.

    A scratch directory contains the name of its control group. The control group is removed first,
    with every process in it.

    Args:
        kept: archives and results; a directory that contains an archive or a result is not touched.
    """
    proved.clear_left_over(PURPOSE, kept, remove_groups)


def uids_in_use() -> frozenset[int]:
    """Return the user ids with a name, with a process, or with a file in a shared folder.

    A container of another user may use an id that a submission would otherwise run under.
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
    """Return a user's files and folders in the folders that all users share."""
    return [path for path, owner in _owners() if owner == uid]


def _owners() -> Iterator[tuple[Path, int]]:
    """Yield each path in the folders that all users share, with the user id of its owner."""
    for folder in SHARED:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # it has just been deleted
                    yield Path(entry.path), entry.stat(follow_symlinks=False).st_uid


def clear_files_of(uid: int) -> None:
    """Delete a user's files in the folders that all users share."""
    for path in files_of(uid):
        parent = open_folder(path.parent)
        try:
            say_left_over(path, delete(path.name, parent))
        finally:
            os.close(parent)
