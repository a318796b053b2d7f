"""What many visitors leave behind, on the disk and in memory."""

import contextlib
import ctypes
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from gradio.utils import get_upload_folder

CLEAN_EVERY, CLEAN_AFTER = 60, 600  # seconds; when files that a visitor caused are deleted
M_ARENA_MAX = -8  # of glibc's malloc.h


def new_file(name: str) -> Path:
    """A new, empty file for the page to hand out; `name` with some letters that tell it apart.

    It is deleted ten minutes later, or when the page is closed.
    """
    directory = Path(get_upload_folder())
    directory.mkdir(parents=True, exist_ok=True)
    stem, _, ending = name.rpartition(".")
    descriptor, path = tempfile.mkstemp(f".{ending}", f"{stem}-", directory)
    os.close(descriptor)
    return Path(path)


def keep_clean(directory: Path) -> NoReturn:
    """Delete what visitors cause, ten minutes later. What the page shows at first stays.

    Gradio's own cleaner ends for good if a visitor comes while it looks.
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

    With one for each, as is usual, what a thread has freed does not serve the next, and the memory
    of a page that many visit grows by up to a seventh in a minute.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
