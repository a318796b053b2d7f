"""Files, written so that neither a kill nor a full disk ever leaves half of one behind."""

import contextlib
import hashlib
import os
from itertools import count
from pathlib import Path

from toolkit.common.errors import ToolkitError


def sha256(data: bytes) -> str:
    """SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def make_directory(path: Path) -> None:
    """Make `path` and its parents if they do not exist.

    Raises:
        ToolkitError: it cannot be made, is not a directory, or is not writable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolkitError(
            f"Cannot make the directory {path}: {error.strerror}. Choose one that you can write to."
        ) from error
    if not os.access(path, os.W_OK):
        raise ToolkitError(
            f"Cannot write to the directory {path}. Choose one that you can write to."
        )


def set_aside(directory: Path) -> Path:
    """Rename `directory` to the first free `<name>.old-<k>`, and return the new path.

    Raises:
        ToolkitError: it cannot be renamed.
    """
    numbered = (directory.with_name(f"{directory.name}.old-{k}") for k in count(1))
    old = next(path for path in numbered if not path.exists())
    try:
        directory.rename(old)
    except OSError as error:
        raise ToolkitError(f"Cannot rename {directory} to {old}: {error.strerror}.") from error
    return old


def read_bytes(path: Path) -> bytes:
    """The content of `path`.

    Raises:
        ToolkitError: the file is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolkitError(f"Cannot read {path}: {error.strerror}.") from error


def atomic_write(path: Path, data: bytes) -> None:
    """Replace the content of `path` by `data`; after a crash it is all old or all new.

    The data goes to a temporary file beside `path`, is forced to the disk (fsync), and is then
    renamed to `path` in one step.

    Raises:
        ToolkitError: the disk is full or the directory not writable; `path` is unchanged.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_directory(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise ToolkitError(
            f"Cannot save {path}: {error.strerror}. What was saved before is unharmed. "
            "Free some space or choose another directory, and run the same command again."
        ) from error


def append_line(path: Path, line: str) -> None:
    """Append one line of text to `path`.

    Raises:
        ToolkitError: the disk is full or the file not writable.
    """
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise ToolkitError(
            f"Cannot append to {path}: {error.strerror}. "
            "Free some space and run the same command again."
        ) from error


def _sync_directory(directory: Path) -> None:
    """Make a rename in `directory` survive a power cut; only POSIX can open a directory."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
