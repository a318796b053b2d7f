"""When the child leaves a training: after so many steps, or so much processor time."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from toolkit.assignment.running.record.script import tracer as module
from toolkit.assignment.running.record.script.tracer import EnoughSteps, Tracer

SECONDS, STEPS = 10, 3


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The processor time that the child has taken; a test sets it."""
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(process_time=lambda: now[0]))
    return now


@pytest.fixture
def tracer(now: list[float], tmp_path: Path) -> Tracer:
    tracer = Tracer(tmp_path, STEPS, SECONDS)
    tracer.on = True
    return tracer


def test_a_training_is_left_when_its_time_is_over(tracer: Tracer, now: list[float]) -> None:
    """At whatever it does next; a script that has not begun to train is not."""
    now[0] += SECONDS + 1
    tracer.add("call")
    tracer.steps = 1
    with pytest.raises(EnoughSteps):
        tracer.add("call")
    assert tracer.slow


def test_a_training_is_left_when_it_has_made_enough_steps(tracer: Tracer) -> None:
    tracer.steps = module.FACTOR * STEPS - 1
    tracer.add("call")
    tracer.steps += 1
    with pytest.raises(EnoughSteps):
        tracer.add("call")
    assert not tracer.slow
