"""The command `package`, which makes a grader for Gradescope, Classroom 50 or GitHub Actions.

The code that makes packages is imported only when a command runs, so that --help responds
immediately.
"""

from pathlib import Path
from typing import Annotated

import typer

from toolkit.assignment.grade.command import RubricOption
from toolkit.common.console import reports_errors
from toolkit.common.errors import UsageError
from toolkit.common.files import atomic_write, make_directory

HERE = Path(__file__).parent
packages = typer.Typer(
    no_args_is_help=True,
    help="Make a grader for a platform that runs it itself: `toolkit package gradescope --help`.",
)


@packages.command()
@reports_errors
def gradescope(
    out: Annotated[Path, typer.Option(help="The archive to write.")] = Path("autograder.zip"),
    rubric: RubricOption = None,
) -> None:
    """Write an autograder archive for Gradescope that works within Gradescope's default memory and
    CPU limits.
    """
    from toolkit.assignment.handin.archive import zipped
    from toolkit.assignment.package.contents import grader_files

    if out.suffix != ".zip":
        raise UsageError(f"{out} does not end in .zip, and Gradescope takes a zip archive.")
    scripts = ("setup.sh", "run_autograder")  # Gradescope expects these files at the root
    files = {str(path): data for path, data in grader_files(rubric)}
    for name in scripts:
        files[name] = (HERE / "gradescope" / name).read_bytes()
    make_directory(out.parent)
    atomic_write(out, zipped(files, executable=scripts))
    size = out.stat().st_size
    print(f"{out}: {len(files)} files, {size:,} bytes. Upload it as the autograder.")


@packages.command()
@reports_errors
def classroom50(
    out: Annotated[Path, typer.Option(help="The folder to write, new or empty.")],
    rubric: RubricOption = None,
) -> None:
    """Write an autograder for Classroom 50, and a workflow for plain GitHub Actions."""
    from toolkit.assignment.package.contents import grader_files

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists already: name a folder that is new or empty.")
    files = {str(path): data for path, data in grader_files(rubric)}
    for path in (HERE / "classroom50").iterdir():
        files[path.name] = path.read_bytes()
    for name, data in files.items():
        make_directory((out / name).parent)
        atomic_write(out / name, data)
    print(f"{out}/: {len(files)} files. Its README.md says where they go.")
