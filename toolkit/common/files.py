"""Functions that keep files intact, even if the process is killed or the disk is full."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from filelock import AcquireReturnProxy, FileLock, Timeout

from toolkit.common.errors import ToolkitError

HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{8}\.tmp", re.DOTALL)  # named by `atomic_write`


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def checksum(text: str) -> str:
    """Return the CRC-32 of a text as 8 hexadecimal digits, to detect damaged text."""
    return f"{zlib.crc32(text.encode()):08x}"


def make_directory(path: Path) -> None:
    """Create the directory `path` and its parents if they do not exist.

    Raises:
        ToolkitError: the directory cannot be created or written to, or `path` is not a directory.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        if isinstance(error, FileExistsError | NotADirectoryError):
            files = [place for place in (path, *path.parents) if os.path.isfile(place)]
            reason = f"{files[0]} is a file" if files else reason
        raise ToolkitError(
            f"Cannot make the directory {path}: {reason}. Choose one that you can write to."
        ) from error
    if not os.access(path, os.W_OK):
        raise ToolkitError(
            f"Cannot write to the directory {path}. Choose one that you can write to."
        )


def take_lock(path: Path, busy: str) -> "AcquireReturnProxy[Any]":
    """Lock the file `path` until the returned context manager exits or this process ends.

    The lock is reentrant: the process that holds it can acquire it again. If another process holds
    the lock, this function prints the reason for the delay, and waits.

    Args:
        busy: a sentence, without the full stop, that says what the other process is doing, such as
            "Another command is training in runs/lstm".

    Raises:
        ToolkitError: the lock file cannot be created.
    """
    lock = FileLock(path, is_singleton=True, thread_local=False)
    try:
        try:
            return lock.acquire(blocking=False)
        except Timeout:
            print(f"{busy}. This one waits for it; Ctrl+C gives up.", flush=True)
            return lock.acquire()
    except OSError as error:
        raise ToolkitError(
            f"Cannot lock {path}: {error.strerror}. Choose a directory that you can write to."
        ) from error


def sweep(directory: Path) -> None:
    """Delete the temporary files that killed processes have left in `directory`; the caller must
    ensure that no process is writing there.
    """
    for path in directory.glob(".*.tmp"):
        if HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)


def first_free(path: Path, before: str, after: str = "") -> Path:
    """Return the first path "<path><before><k><after>", for k = 1, 2, ..., that does not exist."""
    numbered = (path.with_name(f"{path.name}{before}{k}{after}") for k in count(1))
    return next(candidate for candidate in numbered if not candidate.exists())


def set_aside(directory: Path) -> Path:
    """Rename `directory` to `<name>.old-<k>`, where k is the first of 1, 2, ... for which this path
    does not exist, and return the new path.

    Raises:
        ToolkitError: the directory cannot be renamed.
    """
    old = first_free(directory, ".old-")
    try:
        directory.rename(old)
    except OSError as error:
        raise ToolkitError(f"Cannot rename {directory} to {old}: {error.strerror}.") from error
    return old


def read_bytes(path: Path) -> bytes:
    """Return the contents of `path`.

    Raises:
        ToolkitError: the file is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolkitError(f"Cannot read {path}: {error.strerror}.") from error


def atomic_write(path: Path, data: bytes) -> None:
    """Replace the contents of `path` with `data`; a crash leaves no mixture of old and new data.

    The data is written to a temporary file beside `path` and forced to the disk (fsync). Then the
    temporary file is renamed to `path` in one step.

    Raises:
        ToolkitError: the disk is full, or the directory is not writable; `path` is unchanged.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
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


def write_changed(files: Mapping[Path, bytes]) -> None:
    """Write files in parallel, and skip files with unchanged contents.

    Writing in parallel is faster, because one write can proceed while another waits for the disk.
    """
    changed = {p: data for p, data in files.items() if not p.exists() or p.read_bytes() != data}
    with ThreadPoolExecutor(max_workers=16) as pool:
        list(pool.map(atomic_write, changed, changed.values()))


class Log(NamedTuple):
    """The contents of a log file."""

    entries: list[dict[str, Any]]  # oldest first
    damaged: list[int]  # the numbers of damaged lines, counted from 1


def append_entry(path: Path, entry: dict[str, Any]) -> None:
    """Append one JSON object as a line with its checksum, which `read_log` verifies.

    Raises:
        ToolkitError: the disk is full, or the file is not writable.
    """
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(_sealed(entry))
    except OSError as error:
        raise ToolkitError(
            f"Cannot append to {path}: {error.strerror}. "
            "Free some space and run the same command again."
        ) from error


def write_log(path: Path, entries: list[dict[str, Any]]) -> None:
    """Replace the contents of a log with `entries`.

    Raises:
        ToolkitError: see `atomic_write`.
    """
    atomic_write(path, "".join(_sealed(entry) for entry in entries).encode())


def read_log(path: Path) -> Log:
    """Return the entries of a log, and the line numbers of the damaged lines.

    A truncated last line is ignored, and a missing log counts as empty.

    Raises:
        ToolkitError: the file is unreadable.
    """
    if not path.exists():
        return Log([], [])
    lines = read_bytes(path).decode(errors="replace").split("\n")[:-1]
    entries, damaged = [], []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            del entry["crc32"]
            if _sealed(entry) != line + "\n":
                raise ValueError("the checksum differs")
            entries.append(entry)
        except (ValueError, KeyError, TypeError, RecursionError):
            damaged.append(number)
    return Log(entries, damaged)


def _sealed(entry: dict[str, Any]) -> str:
    """Return an entry as a log line, which is the entry's JSON with its checksum added."""
    text = json.dumps(entry)
    return f'{text[:-1]}, "crc32": "{checksum(text)}"}}\n'


def _sync_directory(directory: Path) -> None:
    """On POSIX systems, make a rename in `directory` survive a power cut."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
