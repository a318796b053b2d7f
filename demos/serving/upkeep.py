"""The memory of a server with many visitors."""

import ctypes
import gc
import platform

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # of glibc's malloc.h
LARGE = 128 * 1024  # bytes


def share_one_heap() -> None:
    """Let all threads of a Linux process use the same heap.

    By default, each thread has a separate heap, so memory that one thread frees is lost to the
    other threads. With many visitors, a page's memory grew by up to a seventh in a minute.

    Large blocks, such as a picture, stay outside the heap and are returned at once. By default,
    only the first large blocks stay outside. With many visitors, later blocks then broke the heap
    into pieces, and it grew by a tenth in twelve seconds.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def keep_forever() -> None:
    """Exclude all present objects from garbage collection, so that visitors' objects are found
    sooner.
    """
    gc.collect()
    gc.freeze()
