"""Clean up what many visitors leave behind, on the disk and in memory."""

import contextlib
import ctypes
import platform
import time
from pathlib import Path
from typing import NoReturn

CLEAN_EVERY, CLEAN_AFTER = 60, 600  # seconds; files that a visitor caused live about that long
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # of glibc's malloc.h
LARGE = 128 * 1024  # bytes


def keep_clean(directory: Path) -> NoReturn:
    """Delete the files that visitors cause after ten minutes, but not those of the first page.

    Gradio's own cleaner stops for good when a visitor moves a file while it looks.
    """
    at_first = set(directory.rglob("*"))
    while True:
        time.sleep(CLEAN_EVERY)
        for path in set(directory.rglob("*")) - at_first:
            with contextlib.suppress(FileNotFoundError):  # Gradio moves uploads
                if path.is_file() and time.time() - path.stat().st_mtime > CLEAN_AFTER:
                    path.unlink()


def share_one_heap() -> None:
    """Let all threads of a Linux process use the same heap.

    By default each thread has its own, so memory that one thread frees is lost to the others: with
    many visitors, a page's memory grew by up to a seventh in a minute.

    Large blocks, such as a picture, stay outside of it and are given back at once. By default only
    the first ones are; with many visitors, those that came later broke the heap into pieces, and it
    grew by a tenth in twelve seconds.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
