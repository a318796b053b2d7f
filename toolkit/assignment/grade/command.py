"""The `grade` command: its options and the messages that a teacher sees during grading.

The grading code is imported only when the command is called, so that --help appears at once.
"""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from toolkit.assignment.grade.gradebook.platforms import PlatformName
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import set_aside

if TYPE_CHECKING:
    from toolkit.assignment.grade.gradebook.roster import Roster
    from toolkit.assignment.grade.result import Result
    from toolkit.common.progress import Progress

BUSY = 8  # times its time limit that a submission may take on a busy core
WINDOW = 3600.0  # seconds; one archive may take minutes
OPEN_CLUSTER = (
    "this scheduler asks for no certificate: anybody on its network can run any code on its "
    "workers, and read all archives and results. See SECURITY.md, grade --cluster."
)
RubricOption = Annotated[
    Path | None,
    typer.Option(help="A TOML file with the points.", show_default="the assignment's 40 + 60"),
]
OnlyOption = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="Grade this student alone; the others keep results."),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Grade again what has a result, and replace it.")
]
LanguageOption = Annotated[
    Literal["en", "zh"], typer.Option(help="The language of the students' pages.")
]
JobsOption = Annotated[
    int, typer.Option(min=1, max=1000, help="How many archives to grade at the same time.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        help="For a big class: a Dask scheduler, tls://HOST:PORT. With tcp:// anybody on its "
        "network can run code on its workers."
    ),
]
TimeLimitOption = Annotated[
    float,
    typer.Option(
        min=1,
        max=86_400,
        help="Seconds for one archive, without those in which other programs have its core.",
    ),
]
MemoryLimitOption = Annotated[
    float, typer.Option(min=0.1, max=1024, help="GiB of memory for one archive.")
]
RestartOption = Annotated[
    bool, typer.Option("--restart", help="Set old results aside and grade everything again.")
]
UnsafeOption = Annotated[
    bool,
    typer.Option(
        "--unsafe",
        help="Grade on this machine even where submissions can reach files or the network.",
    ),
]
VivaOption = Annotated[
    bool, typer.Option("--viva", help="Write questions about each student's own lines, too.")
]
PlatformOption = Annotated[
    PlatformName | None,
    typer.Option(help="Write the grades and the feedback as this platform wants them, too."),
]
RosterOption = Annotated[
    Path | None, typer.Option(help="A CSV of all students, such as the platform's own export.")
]
TitleOption = Annotated[str, typer.Option(help="The assignment's name on Canvas or Blackboard.")]


def grade(
    folder: Annotated[Path, typer.Argument(help="The folder with the archives to grade.")],
    rubric: RubricOption = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = Path("graded"),
    only: OnlyOption = None,
    regrade: AgainOption = False,
    lang: LanguageOption = "en",
    jobs: JobsOption = 2,
    cluster: ClusterOption = None,
    time_limit: TimeLimitOption = 300,
    memory_limit: MemoryLimitOption = 4,
    restart: RestartOption = False,
    unsafe: UnsafeOption = False,
    viva: VivaOption = False,
    csv: PlatformOption = None,
    roster: RosterOption = None,
    title: TitleOption = "Assignment 3",
) -> None:
    """Grade every archive in a folder, each in a separate sandbox.

    The command writes results.json (for Gradescope) and feedback.html for each archive, and
    class.csv and class.html for the class. If the command is interrupted, run it again to continue
    where it stopped.
    """
    if sys.platform != "linux":
        raise ToolkitError(
            "grade needs Linux, because it runs the code of strangers in a sandbox. Windows has "
            "Linux in WSL, a Mac in a virtual machine."
        )
    from toolkit.assignment.grade.folder import grade_folder
    from toolkit.assignment.grade.gradebook.write import find_owners, write_gradebook
    from toolkit.assignment.grade.rubric import DEFAULT, read_rubric
    from toolkit.assignment.grade.verdict import Check
    from toolkit.assignment.sandbox.choice import find_isolation
    from toolkit.assignment.sandbox.isolation import Limits

    students = _read_students(roster, csv)
    points = read_rubric(rubric or DEFAULT)
    names = _find_names(folder, out)
    if csv is not None:  # before anything is graded or set aside
        find_owners(names, csv, students)
    _say_others(folder, out)
    if restart and out.exists():
        set_aside(out)
    say_open(cluster)
    limits = Limits(time_limit, longest=BUSY * time_limit, memory=int(memory_limit * 2**30))
    isolation = None if cluster else find_isolation(unsafe=unsafe)
    check = Check(viva=lang) if viva else Check()
    with Watch() as watch:
        results = grade_folder(
            folder,
            out,
            points,
            limits,
            check=check,
            isolation=isolation,
            cluster=cluster,
            num_workers=jobs,
            language=lang,
            only=only,
            regrade=regrade,
            outdated=say_outdated,
            begin=watch.begin,
            report=watch.report,
        )
    say_graded(results, out)
    if csv is not None:
        written = write_gradebook(names, results, out, csv, students, points, title)
        made = f"For {csv}: {', '.join(map(str, written.files))}."
        print("\n".join([*written.unclear, *written.missing, made]))


def _read_students(roster: Path | None, csv: PlatformName | None) -> "Roster | None":
    """Return the class roster in the file `roster`, or None if `roster` is None.

    Raises:
        UsageError: a roster is given, but `--csv`, which names the platform for the grades, is not.
    """
    from toolkit.assignment.grade.gradebook.roster import read_roster

    if roster is None:
        return None
    if csv is None:
        raise UsageError("A roster is for --csv: say which platform, e.g. --csv moodle.")
    return read_roster(roster)


def _find_names(folder: Path, out: Path) -> list[str]:
    """Return the names of the archives to grade, and print a note about each symbolic link.

    Links are not graded.

    Raises:
        UsageError: the folder contains no archives, or is the same folder as `out`.
    """
    from toolkit.assignment.grade.folder import find_archives, find_links, refuse_same

    names = [path.name for path in find_archives(folder)]
    refuse_same(folder, out)
    for link in find_links(folder):
        print(f"Not graded: {link.name!r} is a link. Copy the archive itself into the folder.")
    return names


def _say_others(folder: Path, out: Path) -> None:
    """Print the names of files and folders that are not graded, e.g. unpacked submissions."""
    from toolkit.assignment.grade.folder import find_others

    others = find_others(folder, out)
    if others:
        print(f"Not graded, because these are not archives: {', '.join(map(repr, others))}.")


def say_open(cluster: str | None) -> None:
    """Warn the teacher if the Dask scheduler accepts connections without a TLS certificate."""
    if cluster is not None and not cluster.startswith("tls://"):
        print(f"Note: {OPEN_CLUSTER}", file=sys.stderr)


def say_outdated(number: int) -> None:
    """Print how many archives with an earlier result are being graded again, and the possible
    reasons.
    """
    archives = "1 archive has" if number == 1 else f"{number} archives have"
    print(
        f"{archives} a result that does not count: the grader was disturbed, or the archive, the "
        "toolkit, its packages or the options have changed since. Grading again.",
        flush=True,
    )


def say_graded(results: "dict[str, Result]", out: Path) -> None:
    """Print a summary of the results at the end of the command's output."""
    isolations = set()
    unclear = 0
    for result in results.values():
        isolations.add(result.extra_data.isolation)
        if result.extra_data.needs_a_look:
            unclear += 1
    for isolation in sorted(isolations):
        print(f"Isolation: {isolation}")
    print(f"Graded: {len(results)}. Need a look: {unclear}. See {out / 'class.html'}.")


class Watch(contextlib.ExitStack):
    """A display of the grading progress: a bar on a terminal, or lines of text elsewhere.

    The bar shows the remaining time and how many archives so far have a result that a person should
    check. Each of these archives also gets a line above the bar. If the output is not a terminal,
    one line is printed for every archive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.progress: Progress | None = None
        self.need_a_look = 0

    def begin(self, done: int, total: int) -> None:
        """Start the display by showing how many archives already have a result.

        Args:
            done: the number of archives that have a result.
            total: the total number of archives.
        """
        from toolkit.common.progress import Progress

        progress = Progress("grade", total, done, window=WINDOW)
        if progress.console.is_terminal:
            self.progress = self.enter_context(progress)
            progress.update(done)
        elif done:
            print(f"{done} of {total} have a result.", flush=True)

    def report(self, done: int, total: int, name: str, result: "Result") -> None:
        """Show the result of one archive."""
        points = f"{result.score:g} of {result.checked:g}"
        if result.open:
            points += f", {result.open:g} open"
        why = " ".join(result.extra_data.needs_a_look)
        line = f"{done}/{total}  {name!r}: {points}  {why}"
        self.need_a_look += bool(why)
        if self.progress is None:
            print(line, flush=True)
            return
        if why:
            self.progress.console.print(line, markup=False)
        self.progress.update(done, **{"need a look": self.need_a_look})
