"""Functions that measure how much memory and disk space processes use.

Unless stated otherwise, an amount that cannot be measured counts as larger than any limit.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from toolkit.assignment.running.process.descent import Descent, Moved, open_folder

PAGE = os.sysconf("SC_PAGE_SIZE")
UNCOUNTED = sys.maxsize  # more than any limit
TRIES = 3  # attempts to count folders that are moved in the meantime
GONE = (FileNotFoundError, ProcessLookupError)


def memory(pid: int) -> int:
    """Return the memory of a process in bytes, including page tables but not mapped files."""
    return _listed(pid, "status", b"RssAnon:", b"RssShmem:", b"VmPTE:")


def own_memory(pid: int) -> int:
    """Return a process's memory in bytes, where memory that several processes share is divided
    equally among them.

    After a fork, the new process at first shares all of its memory with its parent. Counting shared
    memory in full for each process would therefore give much too large a sum. `own_memory` takes
    longer than `memory`. If it cannot be determined how a process shares its memory, `own_memory`
    returns the same number as `memory`.
    """
    shares = _listed(pid, "smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:")
    if 0 < shares < UNCOUNTED:
        return shares + _listed(pid, "status", b"VmPTE:")
    return memory(pid)


def _listed(pid: int, file: str, *names: bytes) -> int:
    """Return the sum, in bytes, of the entries `names` in a file of /proc/PID, or 0 if the process
    has ended.
    """
    try:
        text = Path("/proc", str(pid), file).read_bytes()
    except GONE:
        return 0
    except OSError:
        return UNCOUNTED
    total = 0
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in names:
            total += 1024 * int(words[1])
    return total


def in_memory(pids: Iterable[int], size: int) -> int | None:
    """Return the size in bytes of the files that bubblewrap keeps in memory.

    Each file counts as at least one memory page.

    Args:
        pids: the ids of the processes in one sandbox, which share the same file systems.
        size: the capacity in bytes of each of the two file systems that bubblewrap keeps in memory;
            this function recognises them by their capacity.

    Returns:
        the size if the file systems were found; `UNCOUNTED` if they were not found and at least one
        process could not be inspected; None in all other cases.
    """
    hidden = False
    counts = []
    for pid in pids:
        try:
            used = _in_memory_of(pid, size)
        except PermissionError:
            hidden = True
            continue
        except OSError:  # it has just ended
            continue
        if used is not None:
            counts.append(used)
    if counts:
        return max(counts)
    return UNCOUNTED if hidden else None


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
    """Return the total size in bytes of deleted disk files that processes still hold open.

    Files of processes that the current user may not inspect are not counted.
    """
    files: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):  # the process has just ended or cannot be inspected
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):  # it has just been closed
                    status = os.stat(f"/proc/{pid}/fd/{name}")
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                        files[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(files.values())


def more_on_disk_than(limit: int, paths: Iterable[Path]) -> bool:
    """Return True if the given files and folders, with all their contents, take up more than
    `limit` bytes on disk in total.

    Each file counts as at least one memory page. A folder counts as too large if it cannot be read,
    or if it is moved during every attempt to measure it.
    """
    to_count = list(paths)
    for _ in range(TRIES):
        try:
            remaining = limit
            for path in to_count:
                remaining -= _size_on_disk(path, remaining)
                if remaining < 0:
                    return True
            return False
        except Moved:
            continue
        except OSError:
            return True
    return True


def _size_on_disk(path: Path, limit: int) -> int:
    """Return the size in bytes of a file or of a folder with its contents.

    Counting stops when the total exceeds `limit`, so a result above `limit` is not exact.

    Raises:
        Moved: a folder was moved during the count.
        OSError: a file or a folder cannot be inspected.
    """
    try:
        status = os.lstat(path)
        total = _size_of(status)
        if not stat.S_ISDIR(status.st_mode):
            return total
        folder = open_folder(path)
    except GONE:
        return 0
    try:
        with Descent(folder) as descent:
            size, names = _content_of(descent.here, limit - total)
            total += size
            waiting = [names]  # for each folder on the way down, its folders still to be counted
            while waiting and total <= limit:
                if not waiting[-1]:
                    waiting.pop()
                    if waiting:
                        descent.up()
                    continue
                try:
                    descent.down(open_folder(waiting[-1].pop(), descent.here))
                except (FileNotFoundError, NotADirectoryError):  # it has just been deleted
                    continue
                size, names = _content_of(descent.here, limit - total)
                total += size
                waiting.append(names)
    finally:
        os.close(folder)
    return total


def _content_of(folder: int, limit: int) -> tuple[int, list[str]]:
    """Return the total size of a folder's entries, and the names of its subfolders.

    Counting stops at the entry that takes the total above `limit`.
    """
    total = 0
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # it has just been deleted
                total += _size_of(entry.stat(follow_symlinks=False))
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
            if total > limit:
                break
    return total, folders


def _size_of(status: os.stat_result) -> int:
    return max(PAGE, status.st_blocks * 512)
