"""Archives from strangers: read with limits on everything, and never outside of one directory."""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from toolkit.assignment.parts import FILES
from toolkit.common.errors import ToolkitError

MAX_ARCHIVE = 100 * 2**20  # bytes of the archive itself
MAX_UNPACKED = 200 * 2**20  # bytes of all its files together
MAX_FILES = 2000
MAX_DEPTH = 12  # folders inside of folders
MAX_NAME = 200  # bytes of one name
CHUNK = 2**20
CODE = tuple(FILES.values())
# What Python's zip reader raises on damaged or crafted input.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class BrokenArchive(ToolkitError):
    """An archive that is not unpacked; the message is a sentence for its author."""


def members(data: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of a zip archive, each with its relative path, checked before they are given.

    Sizes are counted while unpacking; what the archive says about itself is not believed.

    Raises:
        BrokenArchive: it is no zip archive, is damaged or encrypted, holds a link or a special
            file, names a place outside of itself, or unpacks to more than is allowed.
    """
    if data.count(b"PK\x01\x02") > 5 * MAX_FILES:  # before the table of contents fills the memory
        raise BrokenArchive(f"It holds more than {MAX_FILES:,} files.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_FILES:
                raise BrokenArchive(
                    f"It holds {len(entries):,} files; more than {MAX_FILES:,} are not unpacked."
                )
            left, seen = MAX_UNPACKED, set()
            for entry in entries:
                path = _checked(entry)
                if entry.is_dir():
                    continue
                if str(path).casefold() in seen:
                    raise BrokenArchive(f"It holds {str(path)!r} twice.")
                seen.add(str(path).casefold())
                content = bytearray()
                with archive.open(entry) as file:
                    while chunk := file.read(CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise BrokenArchive(
                                f"It unpacks to more than {MAX_UNPACKED // 2**20} MiB: leave out "
                                "data sets and checkpoints."
                            )
                        content += chunk
                yield path, bytes(content)
    except DAMAGE as error:
        raise BrokenArchive(
            f"It is no zip archive, or a damaged one ({type(error).__name__})."
        ) from error


def unpack(data: bytes, directory: Path) -> list[PurePosixPath]:
    """Write the files of an archive into `directory`, which is made and readable for everybody.

    Returns:
        their paths, relative to `directory`.

    Raises:
        BrokenArchive: see `members`; what was written until then is for the caller to delete.
    """
    directory.mkdir()
    directory.chmod(0o755)
    paths = []
    for path, content in members(data):
        target = directory / path
        try:
            for folder in reversed(path.parents[:-1]):
                (directory / folder).mkdir(exist_ok=True)
                (directory / folder).chmod(0o755)
            with open(target, "xb") as file:  # never through something that is there already
                file.write(content)
            target.chmod(0o644)
        except OSError as error:
            raise BrokenArchive(f"{str(path)!r} cannot be unpacked: {error.strerror}.") from error
        paths.append(path)
    return paths


def code_folder(paths: list[PurePosixPath]) -> PurePosixPath:
    """The folder among `paths` that holds most of the assignment's four files, the highest first.

    Some zip the folder and not its files; a submission is read from where its code is.
    """
    found: dict[PurePosixPath, int] = {PurePosixPath(): 0}
    for path in paths:
        if path.name in CODE and "__MACOSX" not in path.parts:
            found[path.parent] = found.get(path.parent, 0) + 1
    return max(found, key=lambda folder: (found[folder], -len(folder.parts), str(folder)))


def student_number(name: str) -> str:
    """The number in `<studentnumber>_assignment3.zip`, with or without words around it, or ""."""
    found = re.search(r"(?<![0-9])([0-9]{4,12})_assignment3", name)
    return found[1] if found else ""


def _checked(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The path of an entry that may be unpacked."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        raise BrokenArchive(f"It names a place outside of the archive: {name[:MAX_NAME]!r}.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BrokenArchive(f"{name[:MAX_NAME]!r} is a link or a special file, not a file.")
    if entry.flag_bits & 1:
        raise BrokenArchive("It is encrypted: hand it in without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BrokenArchive(f"{name[:MAX_NAME]!r} is compressed in an unusual way: use plain zip.")
    too_long = any(len(part.encode(errors="replace")) > MAX_NAME for part in path.parts)
    if not path.parts or not name.isprintable() or too_long or len(path.parts) > MAX_DEPTH:
        raise BrokenArchive(f"It holds a file with an impossible name: {name[:MAX_NAME]!r}.")
    return path
