"""What a package holds: the toolkit without what only people need, and what it must install."""

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from toolkit.assignment.grade.rubric import DEFAULT, read_rubric
from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes
from toolkit.common.package_data import PACKAGE

DISTRIBUTION = "assignment3-toolkit"
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


def requirements() -> list[str]:
    """What grading needs, as pip reads it: the toolkit's own packages, and what students import.

    Raises:
        ToolkitError: the toolkit is not installed.
    """
    try:
        listed = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolkitError(
            "The toolkit is used without being installed, so the list of packages that it needs "
            "is not there. Install it: python -m pip install -e ."
        ) from error
    needed = []
    for line in listed:
        requirement, _, marker = line.partition(";")
        name = re.split(r"[^A-Za-z0-9_.-]", requirement.strip())[0]
        if name not in NOT_NEEDED and (not marker or "extra == 'grading'" in marker):
            needed.append(requirement.strip())
    return sorted(needed)
