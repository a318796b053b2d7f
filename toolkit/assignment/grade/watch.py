"""What a teacher sees while a class is graded."""

import contextlib
from pathlib import Path
from typing import Any

from rich.markup import escape

from toolkit.assignment.grade.folder import grade_folder
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.sandbox.isolation import Limits
from toolkit.common.progress import Progress

WINDOW = 3600.0  # seconds; one archive may take minutes


def grade_and_say(
    folder: Path, out: Path, rubric: Rubric, limits: Limits, **how: Any
) -> dict[str, Result]:
    """`grade_folder`, with the progress and a last line on the console."""
    with Watch() as watch:
        results = grade_folder(
            folder, out, rubric, limits, begin=watch.begin, report=watch.report, **how
        )
    for way in sorted({result.extra_data.isolation for result in results.values()}):
        print(f"Isolation: {way}")
    unclear = sum(bool(result.extra_data.needs_a_look) for result in results.values())
    print(f"Graded: {len(results)}. Need a look: {unclear}. See {out / 'class.html'}.")
    return results


class Watch(contextlib.ExitStack):
    """On a terminal a bar with the time left and how many need a look; elsewhere only lines.

    On a terminal there is a line for each archive that needs a look, elsewhere for each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.progress: Progress | None = None
        self.need_a_look = 0

    def begin(self, done: int, total: int) -> None:
        """Say how much there is to do.

        Args:
            done: archives that have a result.
        """
        progress = Progress("grade", total, done, window=WINDOW)
        if progress.bar is not None:
            self.progress = self.enter_context(progress)
            progress.update(done)
        elif done:
            print(f"{done} of {total} have a result.", flush=True)

    def report(self, done: int, total: int, name: str, result: Result) -> None:
        """Say what has come out of one archive."""
        still_open = f", {result.open:g} open" if result.open else ""
        points = f"{result.score:g} of {result.checked:g}{still_open}"
        why = " ".join(result.extra_data.needs_a_look)
        line = f"{done}/{total}  {name!r}: {points}  {why}"
        self.need_a_look += bool(why)
        if self.progress is None:
            print(line, flush=True)
            return
        if why:
            self.progress.console.print(escape(line))
        self.progress.update(done, **{"need a look": self.need_a_look})
