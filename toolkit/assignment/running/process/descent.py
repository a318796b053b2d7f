"""Safe traversal of an untrusted folder: subfolders are opened relative to the file descriptor of
the current folder, and links are not followed.

This module uses no third-party packages, so that it can also run inside the sandbox.
"""

import contextlib
import os
import stat
import sys
from types import TracebackType
from typing import Self

assert sys.platform != "win32"
Identity = tuple[int, int]  # the device and the inode of a folder


class Moved(OSError):
    """The error raised if a folder was moved during the traversal."""


def open_folder(name: str | os.PathLike[str], parent: int | None = None) -> int:
    """Open the folder `name` in the open folder `parent`, and return its descriptor.

    Raises:
        OSError: `name` is a link, is not a folder, or may not be opened by the current user.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=parent)


def open_closed_folder(name: str | os.PathLike[str], parent: int) -> int:
    """Open a folder as `open_folder` does, but first give the owner access if necessary.

    Raises:
        Mounted: another file system is mounted on the folder; the folder's mode is left unchanged.
        OSError: `name` is a link, is not a folder, or cannot be made accessible to the current
            user.
    """
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags | getattr(os, "O_PATH", os.O_RDONLY), dir_fd=parent)
    try:
        if mount_of(handle) != mount_of(parent):
            raise Mounted("something is mounted there")
        if os.fstat(handle).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            with contextlib.suppress(PermissionError):  # if another user owns it, this is root
                _give_mode(name, parent, handle)
        return open_folder(".", handle)
    finally:
        os.close(handle)


def mount_of(folder: int) -> str:
    """Return a key for an open folder's mount; on Linux, each bind mount has its own key."""
    try:
        with open(f"/proc/self/fdinfo/{folder}", encoding="ascii") as lines:
            return next(line for line in lines if line.startswith("mnt_id"))
    except (OSError, StopIteration):
        return str(os.fstat(folder).st_dev)


def identity(folder: int) -> Identity:
    """Return a key that identifies an open folder independently of its name."""
    status = os.fstat(folder)
    return status.st_dev, status.st_ino


class Mounted(OSError):
    """The error for a folder on which another file system is mounted."""


class Descent:
    """A movable position in a tree of folders: it can go down into a subfolder and up again.

    Attributes:
        here: the descriptor of the current folder.

    Args:
        folder: the open folder in which the traversal starts; only this folder and the folders
            below it can be reached. A step up must lead back to the folder from which the step down
            was made; otherwise, `up` raises `Moved`.
    """

    def __init__(self, folder: int) -> None:
        self._first = folder
        self._above: list[Identity] = []
        self.here = os.dup(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self.here)

    def down(self, folder: int) -> None:
        """Enter a subfolder of the current folder, given an open descriptor of the subfolder.

        The caller must not close the subfolder's descriptor, because the `Descent` closes it when
        it leaves the subfolder.
        """
        self._above.append(identity(self.here))
        os.close(self.here)
        self.here = folder

    def up(self) -> None:
        """Go back to the parent folder.

        Raises:
            Moved: the current folder has been moved into another folder.
        """
        expected = self._above.pop()
        above = open_folder("..", self.here) if self._above else os.dup(self._first)
        if identity(above) != expected:
            os.close(above)
            raise Moved("a folder was moved while it was inspected")
        os.close(self.here)
        self.here = above


def _give_mode(name: str | os.PathLike[str], parent: int, handle: int) -> None:
    """Give a folder's owner access to it, without following symbolic links."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
    else:
        os.chmod(f"/proc/self/fd/{handle}", stat.S_IRWXU)
