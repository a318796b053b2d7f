"""What a package holds: the toolkit without what only people need, and what it must install."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path, PurePosixPath

from toolkit.assignment.grade.rubric import DEFAULT, read_rubric
from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes
from toolkit.common.package_data import PACKAGE, how_to_install, package_data
from toolkit.common.package_data import requirements as needs

LEFT_OUT = {"__pycache__", "_data", "report", "templates"}  # folders
NOT_NEEDED = {"gradio", "imageio", "onnx", "onnxruntime", "onnxscript"}  # of demos and trainings


def grader_files(rubric: Path | None) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of the grader: `toolkit/`, `requirements.txt` and `rubric.toml`.

    Raises:
        UsageError: that is no rubric.
        ToolkitError: the toolkit is not installed, so nobody knows what it needs.
    """
    read_rubric(rubric or DEFAULT)
    yield PurePosixPath("rubric.toml"), read_bytes(rubric or DEFAULT)
    yield PurePosixPath("requirements.txt"), "".join(f"{one}\n" for one in requirements()).encode()
    for path in sorted(PACKAGE.rglob("*")):
        relative = path.relative_to(PACKAGE.parent)
        if path.is_file() and LEFT_OUT.isdisjoint(relative.parts):
            yield PurePosixPath(relative.as_posix()), path.read_bytes()
    for path in sorted(package_data("constraints").glob("*-released.txt")):
        yield PurePosixPath("toolkit/_data/constraints", path.name), path.read_bytes()


def requirements() -> list[str]:
    """What grading needs, as pip reads it: the toolkit's own packages, and what students import.

    Raises:
        ToolkitError: the toolkit is not installed.
    """
    try:
        listed = [*needs(), *needs("grading")]
    except PackageNotFoundError as error:
        raise ToolkitError(
            "The toolkit is used without being installed, so the list of packages that it needs "
            f"is not there. Install it: {how_to_install('grading')}"
        ) from error
    return sorted(one for one in listed if re.split(r"[^A-Za-z0-9_.-]", one)[0] not in NOT_NEEDED)
