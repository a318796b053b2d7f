"""The files that a student fills in, copied out of the toolkit."""

from pathlib import Path

from toolkit.assignment.parts import FILES
from toolkit.common.files import make_directory
from toolkit.common.package_data import package_data


def write_skeleton(out: Path) -> tuple[list[Path], list[Path]]:
    """Copy the four files of the skeleton and the notebook into a folder; nothing is overwritten.

    Args:
        out: the folder, which is made if it is not there.

    Returns:
        the files that were written, and those that were there before and stay as they are.

    Raises:
        ToolkitError: the folder cannot be made or written to.
    """
    make_directory(out)
    written, kept = [], []
    skeleton = package_data("skeleton")
    for source in (*(skeleton / name for name in FILES.values()), package_data("notebook")):
        path = out / source.name
        try:
            with open(path, "xb") as file:
                file.write(source.read_bytes())
        except FileExistsError:
            kept.append(path)
        else:
            written.append(path)
    return written, kept
