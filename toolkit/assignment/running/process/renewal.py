"""Cleans up after one part of a submission has run. `renew` kills the processes that are left,
deletes the files that the part left in writable folders, and copies the submission again.
"""

import os
import shutil
import signal
import stat
import sys
from pathlib import Path

assert sys.platform == "linux"

from toolkit.assignment.running.process.deleting import delete, empty
from toolkit.assignment.running.process.descent import open_folder


def renew(source: str, copy: str, places: list[str]) -> list[str]:
    """Kill the remaining processes, empty the writable folders, and copy the submission again.

    Returns:
        the files that could not be deleted, each with the reason; if any files remain, nothing was
        copied, and no other part may run in this sandbox.
    """
    kill_children()
    failures: list[str] = []
    for place in places:
        failures += clear_place(place)
    if not failures:
        Path(os.environ["HOME"]).mkdir()
        shutil.copytree(source, copy)
    return failures


def clear_place(place: str) -> list[str]:
    """Delete the current user's files in a folder.

    If the folder belongs to the current user, all its contents are deleted, and so are the folder's
    extended attributes whose names begin with `user.`.

    Returns:
        the failures, each a string that names a file or folder that could not be deleted and says
        why.
    """
    try:
        handle = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        is_own = os.fstat(handle).st_uid == os.getuid()
        if is_own:
            os.chmod(f"/proc/self/fd/{handle}", stat.S_IRWXU)
        elif not os.access(place, os.W_OK | os.X_OK):
            return []  # this user cannot write to the folder
        folder = open_folder(".", handle)
    except OSError as error:
        return [f"{place}: {error.strerror}"]
    finally:
        os.close(handle)
    try:
        if not is_own:
            return _delete_own(folder)
        for name in os.listxattr(folder):
            if name.startswith("user."):  # attributes that a program has set
                os.removexattr(folder, name)
        return empty(folder)
    except OSError as error:
        return [f"{place}: {error.strerror}"]
    finally:
        os.close(folder)


def _delete_own(folder: int) -> list[str]:
    """Delete the current user's files in a folder that also contains files of other users."""
    failures: list[str] = []
    for name in os.listdir(folder):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if status.st_uid == os.getuid():
            failures += delete(name, folder)
    return failures


def kill_children() -> None:
    """Kill all child processes of this process, including orphaned processes that the kernel has
    reparented to it.
    """
    while True:
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_bytes().split():
            os.kill(int(pid), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return
