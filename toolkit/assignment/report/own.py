"""The report of a student's own records, and of the networks that they have exported."""

from pathlib import Path

from toolkit.assignment.locate import read_code
from toolkit.assignment.records.doubts import doubts_of
from toolkit.assignment.records.files import gaps, read_folder
from toolkit.assignment.report.results import Results
from toolkit.assignment.report.trainings import add_gan, add_trainings
from toolkit.assignment.tutor.journal import summary
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export.manifest import MINE, networks_of

SOURCE = "All numbers and pictures come from the student's own trainings."


def read_own(folder: Path, exports_dir: Path | None = None) -> Results:
    """Read the records in a student's folder; what is missing or cannot be used becomes a gap.

    Args:
        exports_dir: their exported networks; by default those in `mine` beside the records.

    Raises:
        UsageError: that is no folder, or the exports are not theirs.
        ToolkitError: one of the files was made by the toolkit, not by the student, or is damaged.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the one with your code and its records.")
    records = read_folder(folder)
    if records.foreign:
        raise ToolkitError(
            f"{folder / records.foreign[0]} was made by the toolkit, not by you, and the report is "
            "about your own trainings. Take it out; or show the toolkit's runs as what they are, "
            "with --reference."
        )
    results = Results(SOURCE, doubts=list(doubts_of(records)), tutor=summary(folder))
    results.gaps += gaps(records, read_code(folder))
    add_trainings(records, results)
    add_gan("my_gan.py", records, results)
    if exports := exports_beside(folder, exports_dir):
        from toolkit.assignment.report.opened import add_opened

        print(f"The networks in {exports} are opened and measured: about a minute.", flush=True)
        add_opened(exports, results)
    return results


def exports_beside(folder: Path, exports_dir: Path | None) -> Path | None:
    """The folder of a student's networks: the one that they named, or `mine` in their folder.

    Raises:
        UsageError: the one that they named has no networks of their own.
        ToolkitError: its manifest is damaged.
    """
    wanted = exports_dir or folder / "mine"
    if any(name.endswith(MINE) for name in networks_of(wanted)):
        return wanted
    if exports_dir is not None:
        raise UsageError(
            f"{exports_dir} has no networks of your own: make such a folder with `toolkit export`."
        )
    return None
