"""How much memory and disk some processes use; what cannot be counted is over every limit."""

import contextlib
import os
import stat
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from toolkit.common.scratch.descent import Descent, Moved, open_folder

PAGE = os.sysconf("SC_PAGE_SIZE")
UNCOUNTED = sys.maxsize  # more than any limit
TRIES = 3  # to walk through folders that are moved meanwhile
GONE = (FileNotFoundError, ProcessLookupError)


def memory(pid: int) -> int:
    """Bytes in use by a process, with its page tables, without mapped files."""
    return _listed(pid, "status", b"RssAnon:", b"RssShmem:", b"VmPTE:")


def own_memory(pid: int) -> int:
    """The same, but what processes share is divided among them, as a fork shares all at first.

    That takes longer, and a process may hide it; then it counts as above.
    """
    own = _listed(pid, "smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:")
    return own + _listed(pid, "status", b"VmPTE:") if 0 < own < UNCOUNTED else memory(pid)


def _listed(pid: int, file: str, *names: bytes) -> int:
    """The sum of what a file of /proc/PID lists under these names, in bytes; 0 if it has ended."""
    try:
        text = Path("/proc", str(pid), file).read_bytes()
    except GONE:
        return 0
    except OSError:
        return UNCOUNTED
    lines = [line.split() for line in text.splitlines()]
    return sum(1024 * int(line[1]) for line in lines if line and line[0] in names)


def in_memory(pids: Iterable[int], size: int) -> int | None:
    """Bytes of the files that bubblewrap keeps in memory, each file at least a page.

    Args:
        pids: of the processes, of which each sees the same files.
        size: that each of the two places was made with, by which they are known.

    Returns:
        None if no process has the two places; `UNCOUNTED` if none shows them, and one hides them.
    """
    hidden, shown = False, []
    for pid in pids:
        try:
            shown.append(_in_memory_of(pid, size))
        except PermissionError:
            hidden = True
        except OSError:  # it has just ended
            continue
    counted = [used for used in shown if used is not None]
    return max(counted) if counted else UNCOUNTED if hidden else None


def _in_memory_of(pid: int, size: int) -> int | None:
    used = None
    for place in ("tmp", "dev/shm"):
        system = os.statvfs(Path("/proc", str(pid), "root", place))
        if abs(system.f_blocks * system.f_frsize - size) < PAGE:
            bytes_of_content = (system.f_blocks - system.f_bfree) * system.f_frsize
            number_of_files = system.f_files - system.f_ffree
            used = (used or 0) + bytes_of_content + number_of_files * PAGE
    return used


def nameless_files(pids: Collection[int]) -> int:
    """Bytes on the disk of files that were deleted and are still open in some processes.

    A process that this user may not look into is left out.
    """
    files: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended, or is closed to us
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):  # it has just been closed
                    status = os.stat(f"/proc/{pid}/fd/{name}")
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                        files[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(files.values())


def more_on_disk_than(limit: int, places: Iterable[Path]) -> bool:
    """Whether some files and folders take more than `limit` bytes, each file at least a page.

    At any depth; a folder that is closed, or never holds still, may hold anything.
    """
    wanted = list(places)
    for _ in range(TRIES):
        try:
            left = limit
            for place in wanted:
                left -= _taken_by(place, left)
                if left < 0:
                    return True
            return False
        except Moved:
            continue
        except OSError:
            return True
    return True


def _taken_by(place: Path, most: int) -> int:
    """Bytes of a file, or of a folder with all in it; as soon as they are more than `most`, these.

    Raises:
        Moved: folders were moved meanwhile.
        OSError: something cannot be looked at.
    """
    try:
        status = os.lstat(place)
        taken = _size_of(status)
        if not stat.S_ISDIR(status.st_mode):
            return taken
        folder = open_folder(place)
    except GONE:
        return 0
    try:
        with Descent(folder) as descent:
            size, names = _content_of(descent.here, most - taken)
            taken += size
            waiting = [names]  # folders on the way down that are still to be looked into
            while waiting and taken <= most:
                if not waiting[-1]:
                    waiting.pop()
                    if waiting:
                        descent.up()
                    continue
                try:
                    descent.down(open_folder(waiting[-1].pop(), descent.here))
                except (FileNotFoundError, NotADirectoryError):  # it has just been deleted
                    continue
                size, names = _content_of(descent.here, most - taken)
                taken += size
                waiting.append(names)
    finally:
        os.close(folder)
    return taken


def _content_of(folder: int, most: int) -> tuple[int, list[str]]:
    """Bytes of all in an open folder without what its folders hold, and the folders' names.

    It ends as soon as these are more than `most`.
    """
    taken, folders = 0, []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # it has just been deleted
                taken += _size_of(entry.stat(follow_symlinks=False))
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
            if taken > most:
                break
    return taken, folders


def _size_of(status: os.stat_result) -> int:
    return max(PAGE, status.st_blocks * 512)
