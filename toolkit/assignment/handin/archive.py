"""Functions that read and unpack untrusted archives within limits."""

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

from toolkit.assignment.handin.notebooks import MAX_SOURCE, SUFFIX
from toolkit.assignment.running.parts import is_theirs
from toolkit.common.errors import ToolkitError, UsageError

MAX_ARCHIVE = 100 * 2**20  # bytes of the archive itself
MAX_UNPACKED = 200 * 2**20  # bytes of all its files together
# Bytes of all files, of all Python files and of all notebooks. Parsing code takes many times as
# much memory as the code itself; in a notebook most bytes are pictures.
MOST = {"": MAX_UNPACKED, ".py": MAX_SOURCE, SUFFIX: 8 * 2**20}
MAX_FILES = 2000
MAX_DEPTH = 12  # folders inside folders
MAX_NAME = 200  # bytes of one name
CHUNK = 2**20
STUDENT_NUMBER = r"[0-9]{4,12}"
# The exceptions that Python's zip reader raises on damaged or crafted input.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError,
          OverflowError, RuntimeError, ValueError)  # fmt: skip


class BrokenArchive(ToolkitError):
    """Raised for an archive that cannot be unpacked; the message is addressed to the student."""


def members(data: bytes) -> Iterator[tuple[PurePosixPath, Iterator[bytes]]]:
    """Yield each file of a zip archive, as a safe relative path and an iterator over the contents.

    The iterator over a file's contents yields pieces of up to 1 MiB. Read the contents of a file
    before you request the next file. The unpacked bytes are counted, because the sizes in the
    archive are not trusted.

    Raises:
        BrokenArchive: the data is not a zip archive, or the archive is empty, damaged, encrypted or
            too large (packed or unpacked). An archive is also refused if it contains a link, a
            special file, an invalid or repeated path, or a path that leads outside the target
            folder.
    """
    if not data:
        raise BrokenArchive("It is empty: the file has 0 bytes.")
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
        names = set()
        budget = dict(MOST)
        for entry in entries:
            path = _checked(entry)
            if entry.is_dir():
                continue
            # Systems that ignore case compare lower-case names. `casefold` would go further: it
            # makes ß equal to ss, which no system does.
            name = str(path).lower()
            if name in names:
                raise BrokenArchive(f"It contains {str(path)!r} twice.")
            names.add(name)
            with archive.open(entry) as file:
                yield path, _pieces(path, file, budget)


def unpack(data: bytes, directory: Path) -> list[PurePosixPath]:
    """Write the files of an archive into `directory`, a new folder that everybody can read.

    Returns:
        the paths of the files, relative to `directory`.

    Raises:
        BrokenArchive: see `members`. The caller must delete the files that were written before the
            error.
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
            with open(target, "xb") as file:  # fails if the path exists, even as a link
                file.writelines(pieces)
            target.chmod(0o644)
        except OSError as error:
            raise BrokenArchive(f"{str(path)!r} cannot be unpacked: {error.strerror}.") from error
        paths.append(path)
    return paths


def zipped(files: Mapping[str, bytes], executable: Collection[str] = ()) -> bytes:
    """Return a zip archive of the given files.

    The archive is reproducible: the same files always give the same bytes.

    Args:
        executable: the names of the files to mark as executable.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name.encode(errors="replace").decode())
            mode = stat.S_IFREG | 0o644
            if name in executable:
                mode = stat.S_IFREG | 0o755
            entry.external_attr = mode << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_archive(archive: Path | bytes) -> bytes:
    """Return the bytes of an archive; a file larger than `MAX_ARCHIVE` is read only up to one byte
    beyond this limit.
    """
    if isinstance(archive, bytes):
        return archive
    with open(archive, "rb") as file:
        return file.read(MAX_ARCHIVE + 1)


def hash_archive(archive: Path | bytes) -> str:
    """Return the SHA-256 of a whole archive as hexadecimal digits."""
    if isinstance(archive, bytes):
        return hashlib.sha256(archive).hexdigest()
    with open(archive, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def student_number(name: str) -> str:
    """Return the student number in a name such as `<studentnumber>_assignment3.zip`, or ""."""
    match = re.search(rf"(?<![0-9])({STUDENT_NUMBER})_assignment3", name)
    return match[1] if match else ""


def check_student_number(number: str) -> None:
    """Raise a UsageError if a text is not a student number of 4 to 12 digits."""
    if not re.fullmatch(STUDENT_NUMBER, number):
        raise UsageError(f"{number!r} is not a student number: give its 4 to 12 digits.")


def _pieces(path: PurePosixPath, file: IO[bytes], budget: dict[str, int]) -> Iterator[bytes]:
    """Yield the contents of a file in pieces, and stop with an error as soon as a limit on the
    total size is exceeded.

    Args:
        budget: three limits, with the same keys as `MOST`. The limits are the numbers of bytes that
            may still be unpacked from all files together, from all Python files, and from all
            notebooks.

    Raises:
        BrokenArchive: the unpacked files exceed one of the limits in `budget`, or the data is
            damaged.
    """
    kinds = [""]
    if path.suffix.lower() in budget and is_theirs(path):
        kinds.append(path.suffix.lower())
    while True:
        with _damage_named():
            piece = file.read(CHUNK)
        if not piece:
            return
        for kind in kinds:
            budget[kind] -= len(piece)
            if budget[kind] < 0:
                raise _too_large(kind)
        yield piece


def _too_large(kind: str) -> BrokenArchive:
    """Return the error for an archive whose files have too large a total size.

    The size is the total of all files with the suffix `kind`, or of all files in the archive if
    `kind` is "".
    """
    limit = MOST[kind]
    size = f"Its {kind} files have more than {limit >> 10} KiB"
    if kind == "":
        size = f"It unpacks to more than {limit >> 20} MiB"
    return BrokenArchive(f"{size}: leave out data sets, checkpoints and the code of others.")


@contextlib.contextmanager
def _damage_named() -> Iterator[None]:
    """Raise `BrokenArchive` instead of any error that damaged data causes in the `with` block."""
    try:
        yield
    except DAMAGE as error:
        raise BrokenArchive("It is not a zip archive, or it is damaged.") from error


def _checked(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Check that an archive's entry may be unpacked, and return its path.

    Raises:
        BrokenArchive: the entry must not be unpacked, for example because its path leads outside
            the archive.
    """
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        raise BrokenArchive(f"It has a path that leads outside the archive: {name[:MAX_NAME]!r}.")
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
