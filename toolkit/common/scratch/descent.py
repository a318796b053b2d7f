"""Go down into a stranger's folder, at any depth: by descriptors, and through no link.

It needs only Python's standard library: it goes into the sandbox, too.
"""

import contextlib
import os
import stat
import sys
from types import TracebackType
from typing import Self

assert sys.platform != "win32"
Identity = tuple[int, int]  # of a folder: its device and its inode


class Moved(OSError):
    """A folder was moved while something below it was inspected."""


def open_folder(name: str | os.PathLike[str], parent: int | None = None) -> int:
    """Open the folder `name` in the open folder `parent`, and return its descriptor.

    Raises:
        OSError: it is not a folder, it is a link, or it is closed to this user.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=parent)


def open_closed_folder(name: str | os.PathLike[str], parent: int) -> int:
    """Open a folder like `open_folder`; a folder of this user first gets the mode for that.

    Raises:
        Mounted: another file system is mounted there; its mode is as it was.
        OSError: it is not a folder, it is a link, or it is closed to this user for good.
    """
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags | getattr(os, "O_PATH", os.O_RDONLY), dir_fd=parent)
    try:
        if mount_of(handle) != mount_of(parent):
            raise Mounted("something is mounted there")
        if os.fstat(handle).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            with contextlib.suppress(PermissionError):  # it is another user's: then this is root
                _give_mode(name, parent, handle)
        return open_folder(".", handle)
    finally:
        os.close(handle)


def mount_of(folder: int) -> str:
    """Return a key of the mount that an open folder belongs to; on Linux also of a bind mount."""
    try:
        with open(f"/proc/self/fdinfo/{folder}", encoding="ascii") as lines:
            return next(line for line in lines if line.startswith("mnt_id"))
    except (OSError, StopIteration):
        return str(os.fstat(folder).st_dev)


def identity(folder: int) -> Identity:
    """Return the key of an open folder, which does not depend on its name."""
    status = os.fstat(folder)
    return status.st_dev, status.st_ino


class Mounted(OSError):
    """Something else is mounted on a folder."""


class Descent:
    """One descriptor that goes down and up; the way up is believed only if it leads back.

    Attributes:
        here: the open folder in which it is now.

    Args:
        folder: an open folder, in which it begins and which it never leaves.
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
        """Go to an open folder inside this one; the descriptor is closed on the way up."""
        self._above.append(identity(self.here))
        os.close(self.here)
        self.here = folder

    def up(self) -> None:
        """Go back to the folder above.

        Raises:
            Moved: this folder lies in another one now.
        """
        expected = self._above.pop()
        above = open_folder("..", self.here) if self._above else os.dup(self._first)
        if identity(above) != expected:
            os.close(above)
            raise Moved("a folder was moved while it was inspected")
        os.close(self.here)
        self.here = above


def _give_mode(name: str | os.PathLike[str], parent: int, handle: int) -> None:
    """Let its owner use a folder, known by an open handle; a link is never followed."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
    else:
        os.chmod(f"/proc/self/fd/{handle}", stat.S_IRWXU)
