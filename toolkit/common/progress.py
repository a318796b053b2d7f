"""The progress display of a training run: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """A display of the current step (out of `total`), the latest metrics and the remaining time.

        with Progress("lstm", total=1000) as progress:
            progress.update(step, loss=0.1, accuracy=0.99)

    Args:
        title: what is being trained, e.g. "lstm".
        total: the number of steps in the whole run.
        start: the number of steps already completed by an earlier, interrupted command.
        console: the console to write to; standard output by default.
        window: the remaining time is estimated from the speed in the last `window` seconds.
    """

    def __init__(
        self,
        title: str,
        total: int,
        start: int = 0,
        console: Console | None = None,
        window: float = 30.0,
    ) -> None:
        self.title = title
        self.total = total
        self.start = start
        # A notebook asks for colours, so rich would mistake the notebook for a terminal.
        self.console = console or Console(
            soft_wrap=True,
            highlight=False,
            force_jupyter=False,
            force_terminal=sys.stdout.isatty(),
        )
        self.metrics: dict[str, float] = {}
        self.step = self.last_step = start
        self.last_line = time.monotonic()
        self.left = TimeRemainingColumn(compact=True)
        self.bar = RichProgress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            self.left,
            console=self.console,
            speed_estimate_period=window,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(title, total=total, completed=start, metrics="")

    def __enter__(self) -> Self:
        self.bar.start()
        if self.start and self.bar.disable:
            self.console.print(f"{self.title}: continues after step {self.start} of {self.total}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.stop()
        if self.bar.disable and error is None and self.step > self.last_step:
            self._line()

    def update(self, step: int, **metrics: float) -> None:
        """Show that `step` steps are done; a metric that is not passed keeps its last value.

        If the output is not a terminal, this method prints at most one line every 5 seconds.
        """
        self.step = step
        self.metrics.update(metrics)
        self.bar.update(self.task, completed=step, metrics=self._format_metrics())
        if self.bar.disable and time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES:
            self._line()

    def _line(self) -> None:
        self.last_line, self.last_step = time.monotonic(), self.step
        self.console.print(
            f"{self.title}: step {self.step}/{self.total}  {self._format_metrics()}  "
            f"{self.left.render(self.bar.tasks[0])} left"
        )

    def _format_metrics(self) -> str:
        return "  ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
