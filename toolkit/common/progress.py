"""Progress of a training run: a live bar on a terminal, plain lines anywhere else."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

SECONDS_BETWEEN_LINES = 5.0


def say_finished(title: str, step: int) -> None:
    """Say that nothing is left to train."""
    print(f"{title}: finished earlier, after step {step}; --restart trains it anew")


class Progress:
    """Shows steps, figures and the time left of a loop of `total` steps.

        with Progress("lstm", total=1000) as progress:
            progress.update(step, loss=0.1, accuracy=0.99)

    Args:
        title: what is being trained, e.g. "lstm".
        total: number of steps of the whole run.
        start: steps that an earlier, interrupted command has done already.
        console: where to write; standard output by default.
    """

    def __init__(
        self, title: str, total: int, start: int = 0, console: Console | None = None
    ) -> None:
        self.title = title
        self.total = total
        self.start = start
        # A notebook asks for colours and would pass for a terminal.
        self.console = console or Console(
            soft_wrap=True,
            highlight=False,
            force_jupyter=False,
            force_terminal=sys.stdout.isatty(),
        )
        self.figures: dict[str, float] = {}
        self.step = self.last_step = start
        self.started = self.last_line = time.monotonic()
        self.bar: RichProgress | None = None
        if self.console.is_terminal:
            self.bar = RichProgress(
                TextColumn("{task.description:<10}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(compact=True),
                console=self.console,
            )
            self.task = self.bar.add_task(title, total=total, completed=start, figures="")

    def __enter__(self) -> Self:
        if self.bar is not None:
            self.bar.start()
        elif self.start:
            self.console.print(f"{self.title}: continues after step {self.start} of {self.total}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
        elif error is None and self.step > self.last_step:
            self._line()

    def update(self, step: int, **figures: float) -> None:
        """Say that `step` steps are done; `figures` are remembered until they are given again."""
        self.step = step
        self.figures.update(figures)
        if self.bar is not None:
            self.bar.update(self.task, completed=step, figures=self._figures())
        elif time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES:
            self._line()

    def _line(self) -> None:
        self.last_line, self.last_step = time.monotonic(), self.step
        rate = (self.step - self.start) / max(self.last_line - self.started, 1e-9)
        minutes, seconds = divmod(round((self.total - self.step) / max(rate, 1e-9)), 60)
        self.console.print(
            f"{self.title}: step {self.step}/{self.total}  {self._figures()}  "
            f"{minutes}:{seconds:02d} left"
        )

    def _figures(self) -> str:
        return "  ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
