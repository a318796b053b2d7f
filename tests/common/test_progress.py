"""What a training run shows, on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console

from toolkit.common import progress
from toolkit.common.progress import Progress


def test_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with Progress("lstm", total=100, start=40, console=Console(file=out, width=200)) as bar:
        clock = iter(range(1000, 2000, 15))
        bar.bar.get_time = lambda: next(clock)  # fifteen seconds for 15 steps ...
        bar.update(55, loss=0.5)  # too soon after the start for a line
        bar.last_line -= progress.SECONDS_BETWEEN_LINES
        bar.update(70, accuracy=0.98765)
        bar.update(100)
    lines = out.getvalue().splitlines()
    assert lines[0] == "lstm: continues after step 40 of 100"
    assert lines[1] == "lstm: step 70/100  loss 0.5  accuracy 0.9877  00:30 left"  # ... so 30
    assert lines[2].startswith("lstm: step 100/100  loss 0.5  accuracy 0.9877  00:00 left")


def test_bar_on_a_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with Progress("gan", total=10, console=console) as bar:
        bar.update(3, distance=12.375)
        bar.bar.refresh()  # now, not at the next tenth of a second
    text = out.getvalue()
    assert "gan" in text
    assert "3/10" in text
    assert "distance 12.38" in text
