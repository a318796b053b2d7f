"""The contents of a grader package: the toolkit's code, the list of required packages, and the
rubric.
"""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path, PurePosixPath

from toolkit.assignment.grade.rubric import DEFAULT, read_rubric
from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes
from toolkit.common.package_data import PACKAGE, how_to_install, package_data
from toolkit.common.package_data import requirements as toolkit_requirements

LEFT_OUT = {"__pycache__", "_data", "report", "templates"}  # folders to leave out
NOT_NEEDED = {"gradio", "imageio", "onnx", "onnxruntime", "onnxscript"}  # for demos and training


def grader_files(rubric: Path | None) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the grader's files: `toolkit/`, `requirements.txt` and `rubric.toml`.

    Raises:
        UsageError: `rubric` is not a valid rubric.
        ToolkitError: the toolkit is not installed, so the requirements are unknown.
    """
    read_rubric(rubric or DEFAULT)
    yield PurePosixPath("rubric.toml"), read_bytes(rubric or DEFAULT)
    lines = [f"{requirement}\n" for requirement in requirements()]
    yield PurePosixPath("requirements.txt"), "".join(lines).encode()
    for path in sorted(PACKAGE.rglob("*")):
        relative = path.relative_to(PACKAGE.parent)
        if path.is_file() and LEFT_OUT.isdisjoint(relative.parts):
            yield PurePosixPath(relative.as_posix()), path.read_bytes()
    for path in sorted(package_data("constraints").glob("*-released.txt")):
        yield PurePosixPath("toolkit/_data/constraints", path.name), path.read_bytes()


def requirements() -> list[str]:
    """Return the packages that grading requires, in pip's format.

    The list contains the packages that the toolkit needs for grading and the packages that students
    may import.

    Raises:
        ToolkitError: the toolkit is used without being installed, so the packages that it needs are
            unknown.
    """
    try:
        listed = [*toolkit_requirements(), *toolkit_requirements("grading")]
    except PackageNotFoundError as error:
        raise ToolkitError(
            "The toolkit is used without being installed, so the list of packages that it needs "
            f"is not there. Install it: {how_to_install('grading')}"
        ) from error
    needed = []
    for requirement in sorted(listed):
        name = re.split(r"[^A-Za-z0-9_.-]", requirement)[0]
        if name not in NOT_NEEDED:
            needed.append(requirement)
    return needed
