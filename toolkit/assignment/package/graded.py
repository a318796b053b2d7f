"""Grading in a platform's container, where a separate user account, rather than Linux namespaces,
isolates the submission.

The judge, which is the process that checks the submission, runs as root. The submission runs as
another user. This user cannot send signals to the judge, read the judge's memory, or open a folder
that is closed to everybody except root. After the submission has run, all processes of the
submission's user are killed, and the user's files in shared folders are deleted.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.verdict import grade_archive, ungraded
from toolkit.assignment.handin.archive import MAX_ARCHIVE, MAX_UNPACKED, zipped
from toolkit.assignment.running.parts import list_files
from toolkit.assignment.sandbox.choice import why_not
from toolkit.assignment.sandbox.isolation import Isolation, Limits
from toolkit.common.errors import ToolkitError

ANOTHER_USER = Isolation("limits", drop_user=True)


@contextlib.contextmanager
def closed(*folders: Path) -> Iterator[None]:
    """Allow only root to access the folders while the `with` block runs."""
    before = {folder: folder.stat().st_mode for folder in folders}
    try:
        for folder in folders:
            folder.chmod(0o700)
        yield
    finally:
        for folder, mode in before.items():
            folder.chmod(mode)


def grade_handed_in(folder: Path, rubric: Rubric, limits: Limits) -> Result:
    """Grade a student's submission, which may be an archive or an unpacked folder.

    Args:
        folder: the folder that contains either the submitted files or a single zip archive of them.

    Raises:
        ToolkitError: the user is not root, or root cannot run a program as another user here.
    """
    if os.geteuid() != 0:
        raise ToolkitError("This grades as root, so that the submission can be another user.")
    reason = why_not(ANOTHER_USER)
    if reason is not None:
        raise ToolkitError(f"Nothing can be run as another user here: {reason}.")
    files = list_files(folder)
    sizes = {file: (folder / file).stat().st_size for file in files}
    if len(files) == 1 and files[0].suffix.lower() == ".zip" and sizes[files[0]] <= MAX_ARCHIVE:
        name, data = files[0].name, (folder / files[0]).read_bytes()
    elif sum(sizes.values()) <= MAX_UNPACKED:
        name = "submission.zip"
        data = zipped({str(file): (folder / file).read_bytes() for file in files})
    else:
        problem = (
            f"It has more than {MAX_UNPACKED // 2**20} MiB: leave out data sets and checkpoints."
        )
        return ungraded("submission", problem, rubric)
    return grade_archive(name, data, rubric, limits, isolation=ANOTHER_USER)
