"""Of which step of a model's output a number is the cross-entropy, by torch's own."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch.nn.functional import cross_entropy

from toolkit.assignment.judging.train.entropy import BEFORE, which_step
from toolkit.assignment.judging.train.trace import Batch, Call, Trace

RNG = torch.Generator().manual_seed(0)
OUTPUT = torch.randn(7, 5, 10, generator=RNG)  # (batch, length, classes)
LABELS = torch.randint(10, (7,), generator=RNG)
AT = 20  # the index of the pass


def trace(before: int) -> Trace:
    """A batch so many events before a pass."""
    labels, outputs = SimpleNamespace(numbers=LABELS), SimpleNamespace(numbers=OUTPUT)
    events: list[Any] = [
        Batch.model_construct(index=AT - before, values=[labels]),
        Call.model_construct(index=AT, outputs=[outputs]),
    ]

    def between(first: int, last: float, kind: type) -> list[Any]:
        return [e for e in events if isinstance(e, kind) and first < e.index < last]

    return cast(Trace, SimpleNamespace(between=between))


@pytest.mark.parametrize("before", [1, BEFORE - 2])
def test_labels_come_before_the_pass(before: int) -> None:
    value = float(cross_entropy(OUTPUT[:, -1], LABELS))
    match = which_step(AT - 1, AT + 1, value, trace(before))
    assert match is not None
    assert match.steps == ""


def test_another_step_is_not_the_last() -> None:
    value = float(cross_entropy(OUTPUT[:, 2], LABELS))
    match = which_step(AT - 1, AT + 1, value, trace(1))
    assert match is not None
    assert match.steps == "another step"
    assert which_step(AT - 1, AT + 1, value + 0.1, trace(1)) is None
