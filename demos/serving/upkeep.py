"""The memory of a server with many visitors."""

import ctypes
import gc
import platform

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # of glibc's malloc.h
LARGE = 128 * 1024  # bytes


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


def keep_forever() -> None:
    """Never look again through what the page has made until now: what visitors leave is found
    sooner."""
    gc.collect()
    gc.freeze()
