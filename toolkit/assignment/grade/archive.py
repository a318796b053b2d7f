"""Archives: those of strangers are read within limits, and written into one directory only."""

import contextlib
import hashlib
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from toolkit.assignment.notebooks import MAX_SOURCE, SUFFIX
from toolkit.assignment.parts import is_theirs
from toolkit.common.errors import ToolkitError

MAX_ARCHIVE = 100 * 2**20  # bytes of the archive itself
MAX_UNPACKED = 200 * 2**20  # bytes of all its files together
# Bytes of all files, and of all code of theirs, since reading it takes many times as much memory.
# In notebooks most are pictures.
MOST = {"": MAX_UNPACKED, ".py": MAX_SOURCE, SUFFIX: 8 * 2**20}
MAX_FILES = 2000
MAX_DEPTH = 12  # folders inside of folders
MAX_NAME = 200  # bytes of one name
CHUNK = 2**20
# What Python's zip reader raises on damaged or crafted input.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError,
          OverflowError, RuntimeError, ValueError)  # fmt: skip


class BrokenArchive(ToolkitError):
    """An archive that cannot be unpacked; the message is a sentence for its author."""


def members(data: bytes) -> Iterator[tuple[PurePosixPath, Iterator[bytes]]]:
    """The files of a zip archive: safe relative paths, and contents in pieces of at most 1 MiB.

    A content is read before the next file is asked for, or not at all. Sizes are counted while
    unpacking, whatever the archive says about them.

    Raises:
        BrokenArchive: it is not a zip archive, is damaged or encrypted, holds a link or a special
            file, has a path that leads outside, or unpacks to more than is allowed.
    """
    if len(data) > MAX_ARCHIVE:
        raise BrokenArchive(
            f"It is larger than {MAX_ARCHIVE >> 20} MiB: leave out data and checkpoints."
        )
    with _damage_named(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_FILES:
            raise BrokenArchive(
                f"It contains {len(entries):,} files; at most {MAX_FILES:,} are allowed."
            )
        seen, left = set(), dict(MOST)
        for entry in entries:
            path = _checked(entry)
            if entry.is_dir():
                continue
            # As systems compare names that take no notice of case; to none of them is ß the same
            # as ss, which to `casefold` it is.
            name = str(path).lower()
            if name in seen:
                raise BrokenArchive(f"It contains {str(path)!r} twice.")
            seen.add(name)
            with archive.open(entry) as file:
                yield path, _pieces(path, file, left)


def unpack(data: bytes, directory: Path) -> list[PurePosixPath]:
    """Write the files of an archive into `directory`, a new one that everybody can read.

    Returns:
        their paths, relative to `directory`.

    Raises:
        BrokenArchive: see `members`; the caller deletes what was written until then.
    """
    directory.mkdir()
    directory.chmod(0o755)
    paths = []
    for path, pieces in members(data):
        target = directory / path
        try:
            for folder in reversed(path.parents[:-1]):
                (directory / folder).mkdir(exist_ok=True)
                (directory / folder).chmod(0o755)
            with open(target, "xb") as file:  # fails if it exists: never through a link
                file.writelines(pieces)
            target.chmod(0o644)
        except OSError as error:
            raise BrokenArchive(f"{str(path)!r} cannot be unpacked: {error.strerror}.") from error
        paths.append(path)
    return paths


def zipped(files: Mapping[str, bytes], executable: Collection[str] = ()) -> bytes:
    """A zip archive; the same files give the same bytes.

    Args:
        executable: the names of those that can be run as a program.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name.encode(errors="replace").decode())
            entry.external_attr = (stat.S_IFREG | (0o755 if name in executable else 0o644)) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_archive(archive: Path | bytes) -> bytes:
    """An archive's content, cut off where it is too large."""
    if isinstance(archive, bytes):
        return archive
    with open(archive, "rb") as file:
        return file.read(MAX_ARCHIVE + 1)


def hash_archive(archive: Path | bytes) -> str:
    """SHA-256 of all of an archive."""
    with io.BytesIO(archive) if isinstance(archive, bytes) else open(archive, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def student_number(name: str) -> str:
    """The number in `<studentnumber>_assignment3.zip`, with or without words around it, or ""."""
    found = re.search(r"(?<![0-9])([0-9]{4,12})_assignment3", name)
    return found[1] if found else ""


def _pieces(path: PurePosixPath, file: IO[bytes], left: dict[str, int]) -> Iterator[bytes]:
    """The content of a file, as far as its length is allowed.

    Args:
        left: of `MOST`, what may still be unpacked.
    """
    kind = path.suffix.lower()
    kinds = ["", kind] if kind in left and is_theirs(path) else [""]
    while piece := _read(file):
        for kind in kinds:
            left[kind] -= len(piece)
            if left[kind] < 0:
                much = f"Its {kind} files have more than {MOST[kind] >> 10} KiB"
                raise BrokenArchive(
                    f"{much if kind else f'It unpacks to more than {MOST[kind] >> 20} MiB'}: leave "
                    "out data sets, checkpoints and the code of others."
                )
        yield piece


def _read(file: IO[bytes]) -> bytes:
    with _damage_named():
        return file.read(CHUNK)


@contextlib.contextmanager
def _damage_named() -> Iterator[None]:
    """What is raised inside this block because of damage becomes a `BrokenArchive`."""
    try:
        yield
    except DAMAGE as error:
        raise BrokenArchive(
            f"It is not a zip archive, or it is damaged ({type(error).__name__})."
        ) from error


def _checked(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The path of an entry that may be unpacked."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        raise BrokenArchive(f"It has a path that leads outside: {name[:MAX_NAME]!r}.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BrokenArchive(f"{name[:MAX_NAME]!r} is a link or a special file: use plain files.")
    if entry.flag_bits & 1:
        raise BrokenArchive("It is encrypted: hand it in without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BrokenArchive(f"{name[:MAX_NAME]!r} has an unusual compression: use plain zip.")
    too_long = any(len(part.encode(errors="replace")) > MAX_NAME for part in path.parts)
    if not path.parts or not name.isprintable() or too_long or len(path.parts) > MAX_DEPTH:
        raise BrokenArchive(f"It contains an impossible file name: {name[:MAX_NAME]!r}.")
    return path
