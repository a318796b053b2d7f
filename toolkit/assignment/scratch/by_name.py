"""Scratch folders on Windows, where Python cannot open a folder: a scratch folder is deleted by its
path, not through an open descriptor.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.scratch.left_over import say_left_over


@contextlib.contextmanager
def scratch_directory(purpose: str) -> Iterator[Path]:
    """Make an empty folder, and delete it when the `with` block ends."""
    scratch = tempfile.TemporaryDirectory(prefix=f"{purpose}-", ignore_cleanup_errors=True)
    try:
        yield Path(os.path.realpath(scratch.name))
    finally:
        try:
            scratch.cleanup()
        except (OSError, RecursionError) as error:
            say_left_over(Path(scratch.name), [str(error)])
