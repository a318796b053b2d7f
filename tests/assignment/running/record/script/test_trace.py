"""When the child leaves a training: after so many steps, or so much processor time."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from toolkit.assignment.running.record.script import trace as module
from toolkit.assignment.running.record.script.trace import EnoughSteps, Trace

SECONDS, STEPS = 10, 3


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The processor time that the child has taken; a test sets it."""
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(process_time=lambda: now[0]))
    return now


@pytest.fixture
def trace(now: list[float], tmp_path: Path) -> Trace:
    trace = Trace(tmp_path, STEPS, SECONDS)
    trace.on = True
    return trace


def test_a_training_is_left_when_its_time_is_over(trace: Trace, now: list[float]) -> None:
    """At whatever it does next; a script that has not begun to train is not."""
    now[0] += SECONDS + 1
    trace.add("call")
    trace.steps = 1
    with pytest.raises(EnoughSteps):
        trace.add("call")
    assert trace.slow


def test_a_training_is_left_when_it_has_made_enough_steps(trace: Trace) -> None:
    trace.steps = module.FACTOR * STEPS - 1
    trace.add("call")
    trace.steps += 1
    with pytest.raises(EnoughSteps):
        trace.add("call")
    assert not trace.slow
