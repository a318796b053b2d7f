"""The files that a student fills in, and the data they train on, copied out of the toolkit."""

import gzip
import os
from pathlib import Path

from toolkit.assignment.parts import FILES
from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write, make_directory, read_bytes
from toolkit.common.package_data import package_data

RAW = Path("data", "MNIST", "raw")  # where torchvision.datasets.MNIST("data") looks


def write_skeleton(out: Path, mnist: bool = False) -> tuple[list[Path], list[Path]]:
    """Copy the four files of the skeleton and the notebook into a folder; nothing is overwritten.

    Args:
        out: the folder, which is made if it is not there.
        mnist: also MNIST, 55 MB, so that torchvision need not download it.

    Returns:
        the files that were written, and those that were there before and stay as they are.

    Raises:
        ToolkitError: the folder cannot be made or written to, or MNIST was taken out.
    """
    skeleton = package_data("skeleton")
    sources = {Path(name): skeleton / name for name in FILES.values()}
    sources[Path("assignment3.ipynb")] = package_data("notebook")
    if mnist:
        compressed = sorted(package_data("mnist").glob("*.gz"))
        if len(compressed) != 4:
            raise ToolkitError(f"{package_data('mnist')} no longer has the four files of MNIST.")
        sources |= {RAW / path.stem: path for path in compressed}
        sources[RAW / "README"] = package_data("mnist") / "README.md"  # the licence asks for it
    written, kept = [], []
    for name, source in sources.items():
        path = out / name
        if os.path.lexists(path):
            kept.append(path)
            continue
        make_directory(path.parent)
        data = read_bytes(source)
        atomic_write(path, gzip.decompress(data) if source.suffix == ".gz" else data)
        written.append(path)
    return written, kept
