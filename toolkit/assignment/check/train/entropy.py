"""Of which time steps of what a model gives a number is the cross-entropy (9)."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell.reference import kind_of
from toolkit.assignment.check.train.labels import CLASSES, digits_of
from toolkit.assignment.check.train.trace import Batch, Call, Event, Loss, Trace

BEFORE = 8  # events in which the labels of a loss may have come before its pass
LAST = 4  # calls, and labels, that are compared


class Found(NamedTuple):
    """The steps that a number is the cross-entropy of."""

    call: Call
    which: str  # "" for the last one
    entropy: float


def which_step(first: int, last: int, value: float, trace: Trace) -> Found | None:
    """The steps of which a value is the cross-entropy for some labels; the last one is best."""
    labels = list(_labels(first, last, trace))[-LAST:]
    calls = trace.between(first, last, Call)[-LAST:]
    candidates = [(c, *s) for c in calls for output in outputs_of(c) for s in steps_of(output)]
    for call, which, p in sorted(candidates, key=lambda candidate: bool(candidate[1])):
        for y in labels:
            for entropy in _entropies(p, y) if len(y) == len(p) else ():
                if close(value, entropy):
                    return Found(call, which, entropy)
    return None


def outputs_of(call: Call) -> list[Tensor]:
    """What of the outputs of a call may be p(t), (..., 10); a list of all steps is one of them."""
    given = [v.numbers for v in call.outputs if v.numbers is not None]
    found = [x for x in given if x.dim() in (2, 3) and x.size(-1) == CLASSES]
    rows = [x for x in found if x.dim() == 2]
    if len(rows) > 2 and len({x.shape for x in rows}) == 1:
        return [torch.stack(rows)]
    return sorted(found, key=Tensor.dim, reverse=True)


def steps_of(output: Tensor) -> Iterator[tuple[str, Tensor]]:
    """What may be one step of an output, (batch, 10), and which: the last ones first."""
    layouts = [output, output.transpose(0, 1)] if output.dim() == 3 else [output[None]]
    for steps in layouts:
        yield "", steps[-1]
    for steps in layouts if output.dim() == 3 else ():
        for step in steps[:-1]:
            yield "another step", step
        yield "the mean of all steps", steps.mean(0)


def _labels(first: int, last: int, trace: Trace) -> Iterator[Tensor]:
    """What may be labels, of a batch or of a loss."""
    for event in trace.between(max(-1, first - BEFORE), last, Event):
        values = event.values if isinstance(event, Batch) else []
        values = [event.target] if isinstance(event, Loss) and event.target else values
        found = [digits_of(value.numbers) for value in values if value.numbers is not None]
        yield from (digits for digits in found if digits is not None)


def _entropies(p: Tensor, y: Tensor) -> Iterator[float]:
    """Cross-entropies, by mean and by sum, for logits and for probabilities."""
    p = p.double()
    kind, _ = kind_of(p)
    log = p.clamp_min(1e-12).log() if kind == "probabilities" else p.log_softmax(1)
    losses = -log.gather(1, y[:, None])
    yield float(losses.mean())
    yield float(losses.sum())
    yield float(losses.mean() / CLASSES)  # a mean over the classes too


def close(a: float, b: float) -> bool:
    """Whether two losses are the same, up to rounding."""
    return abs(a - b) <= 2e-4 * max(1.0, abs(b))
