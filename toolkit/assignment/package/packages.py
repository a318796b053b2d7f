"""Makes the packages: an archive for Gradescope, a folder for Classroom 50 and GitHub Actions."""

from pathlib import Path

from toolkit.assignment.grade.archive import zipped
from toolkit.assignment.package.contents import grader_files
from toolkit.common.errors import UsageError
from toolkit.common.files import atomic_write, make_directory

HERE = Path(__file__).parent


def package_gradescope(out: Path, rubric: Path | None) -> int:
    """Write the archive that Gradescope takes as an autograder; returns its number of files.

    Raises:
        UsageError: `out` is no name of a zip archive, or the rubric is none.
        ToolkitError: it cannot be written.
    """
    if out.suffix != ".zip":
        raise UsageError(f"{out} does not end in .zip, and Gradescope takes a zip archive.")
    scripts = ("setup.sh", "run_autograder")  # at the root, as Gradescope wants them
    files = {str(path): data for path, data in grader_files(rubric)}
    files |= {name: (HERE / "gradescope" / name).read_bytes() for name in scripts}
    make_directory(out.parent)
    atomic_write(out, zipped(files, executable=scripts))
    return len(files)


def package_classroom50(out: Path, rubric: Path | None) -> int:
    """Write the folder with Classroom 50's autograder and a workflow; returns its number of files.

    Raises:
        UsageError: `out` exists and is not empty, or the rubric is none.
        ToolkitError: it cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists already: name a folder that is new or empty.")
    files = {str(path): data for path, data in grader_files(rubric)}
    files |= {path.name: path.read_bytes() for path in (HERE / "classroom50").iterdir()}
    for name, data in files.items():
        make_directory((out / name).parent)
        atomic_write(out / name, data)
    return len(files)
