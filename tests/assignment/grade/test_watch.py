"""What is seen while a class is graded: a bar on a terminal, lines anywhere else."""

import io

import pytest
from rich.console import Console

from toolkit.assignment.grade.command import Watch
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import ungraded
from toolkit.common.progress import Progress

from ..submissions import all_open


def grade(done: int) -> None:
    """Two archives, of which the second needs a look."""
    fine = all_open("a")
    fine.score = 60.0
    broken = ungraded("b", "It is [red]damaged.", read_rubric())
    with Watch() as shown:
        shown.begin(done, done + 2)
        for k, result in enumerate([fine, broken], start=1):
            shown.report(done + k, done + 2, result.extra_data.archive, result)


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    grade(3)
    assert capsys.readouterr().out == (
        "3 of 5 have a result.\n"
        "4/5  'a': 60 of 84, 84 open  \n"
        "5/5  'b': 0 of 84, 84 open  It is [red]damaged.\n"
    )
    grade(0)
    assert capsys.readouterr().out.startswith("1/2  'a'")


def test_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs a look has a line, as it is written; the bar counts, and says the time left."""
    written = io.StringIO()
    console = Console(
        file=written, force_terminal=True, width=100, highlight=False, _environ={"TERM": "xterm"}
    )

    def on_terminal(title: str, total: int, start: int, window: float) -> Progress:
        return Progress(title, total, start, console, window)

    monkeypatch.setattr("toolkit.common.progress.Progress", on_terminal)
    grade(3)
    text = written.getvalue()
    assert "3/5" in text
    assert "5/5" in text
    assert "need a look 1" in text
    assert "'b': 0 of 84, 84 open  It is [red]damaged." in text
    assert "'a'" not in text
    assert "0:00" in text
