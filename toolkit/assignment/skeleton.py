"""Functions that copy the skeleton, the data or the teachers' solution out of the toolkit."""

import gzip
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from toolkit.assignment.running.parts import FILES
from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write, make_directory, read_bytes
from toolkit.common.package_data import package_data

RAW = Path("data", "MNIST", "raw")  # where torchvision.datasets.MNIST("data") looks
COPIED = 0.9  # of a solution file's own code; files by other people contain less than half of it


def write_skeleton(out: Path, mnist: bool = False) -> tuple[list[Path], list[Path]]:
    """Copy the skeleton's four files and the notebook into a folder, without overwriting any file.

    Args:
        out: the folder to copy the files to, which is created if it does not exist.
        mnist: True to copy MNIST (55 MB) as well, so that torchvision does not download it.

    Returns:
        two lists of paths: the files that were written, and the files that already existed and were
        left unchanged.

    Raises:
        ToolkitError: the folder cannot be made or written to, or MNIST was removed from the
            package.
    """
    skeleton = package_data("skeleton")
    sources = {Path(name): skeleton / name for name in FILES.values()}
    sources[Path("assignment3.ipynb")] = package_data("notebook")
    if mnist:
        compressed = sorted(package_data("mnist").glob("*.gz"))
        if len(compressed) != 4:
            raise ToolkitError(f"{package_data('mnist')} no longer has the four files of MNIST.")
        sources |= {RAW / path.stem: path for path in compressed}
        sources[RAW / "README"] = package_data("mnist") / "README.md"  # the licence requires it
    return _copy(sources, out)


def write_solution(out: Path) -> tuple[list[Path], list[Path]]:
    """Copy the complete solution into a folder, without overwriting any file."""
    return _copy({Path(name): package_data("solution") / name for name in FILES.values()}, out)


def _copy(sources: Mapping[Path, Path], out: Path) -> tuple[list[Path], list[Path]]:
    written, kept = [], []
    for name, source in sources.items():
        path = out / name
        if os.path.lexists(path):
            kept.append(path)
            continue
        make_directory(path.parent)
        data = read_bytes(source)
        if source.suffix == ".gz":
            data = gzip.decompress(data)
        atomic_write(path, data)
        written.append(path)
    return written, kept


def copied_from_solution(texts: Iterable[str]) -> list[str]:
    """Return the names of the solution files that were copied into a submission, even if
    identifiers were renamed.
    """
    from toolkit.assignment.grade.copies.similar import Code, prints_of  # here: it imports numpy

    def fingerprints(text: str) -> set[int]:
        return set(prints_of(Code({"": text}, [])).plain.tolist())

    submitted = list(map(fingerprints, texts))
    copied = []
    for name in FILES.values():
        solution = fingerprints((package_data("solution") / name).read_text(encoding="utf-8"))
        if any(len(solution & prints) >= COPIED * len(solution) for prints in submitted):
            copied.append(name)
    return copied
