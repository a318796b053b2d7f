"""Finds the time steps at which the cross-entropy of a model's output, as in equation (9) of the
assignment, equals a given number.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.judging.lstm.cell.reference import kind_of
from toolkit.assignment.judging.train.labels import CLASSES, digits_of
from toolkit.assignment.judging.train.trace import Batch, Call, Event, Loss, Trace, Value

BEFORE = 8  # events before a loss that may hold its labels
LAST = 4  # most calls and most labels that are compared


class Match(NamedTuple):
    """The time steps whose cross-entropy equals a given number."""

    call: Call
    steps: str  # "" for the last one
    entropy: float


def which_step(
    first: int, last: int, value: float, trace: Trace, over_batch: bool = False
) -> Match | None:
    """Find the time steps of the model's output for which the cross-entropy with a recorded batch
    of labels is `value`.

    The last time step is tried first.

    Args:
        first: only network calls after the event with this index are searched; for labels, the
            search also covers the last `BEFORE` events up to and including this event.
        last: only network calls and labels before the event with this index are searched.
        value: of the loss.
        over_batch: True to take the softmax over the batch, which is a mistake, instead of over the
            classes.
    """
    labels = list(_labels(first, last, trace))[-LAST:]
    for call, name, logits in candidates(trace.between(first, last, Call)[-LAST:]):
        for digits in labels:
            if len(digits) != len(logits):
                continue
            for entropy in _entropies(logits, digits, over_batch):
                if close(value, entropy):
                    return Match(call, name, entropy)
    return None


def candidates(calls: Iterable[Call]) -> list[tuple[Call, str, Tensor]]:
    """Return (call, name, values) for each time step of the calls' outputs and for the mean over
    all steps. For the last time step, `name` is "". Otherwise, `name` says whether the values
    belong to another step or are the mean.

    The list begins with the last time step of every output; the other time steps and the means
    follow.
    """
    last_steps: list[tuple[Call, str, Tensor]] = []
    further: list[tuple[Call, str, Tensor]] = []
    for call in calls:
        for output in outputs_of(call):
            for name, step in steps_of(output):
                results = further if name else last_steps
                results.append((call, name, step))
    return last_steps + further


def outputs_of(call: Call) -> list[Tensor]:
    """Return those outputs of a call whose shape, (..., 10), fits the predictions p(t).

    If the call returns a list with one output per time step, the list is stacked into one tensor.
    """
    outputs = []
    for value in call.outputs:
        numbers = value.numbers
        if numbers is not None and numbers.dim() in (2, 3) and numbers.size(-1) == CLASSES:
            outputs.append(numbers)
    rows = [output for output in outputs if output.dim() == 2]
    shapes = {output.shape for output in rows}
    if len(rows) > 2 and len(shapes) == 1:
        return [torch.stack(rows)]
    return sorted(outputs, key=Tensor.dim, reverse=True)


def steps_of(output: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield the output, (batch, 10), at each time step and its mean over all steps, each with a
    name. Each of the first two axes is tried as the time axis.

    For each axis that may be the time axis, the output at the last time step is yielded first, with
    "" as its name; all other results follow.
    """
    if output.dim() != 3:
        yield "", output
        return
    layouts = [output, output.transpose(0, 1)]
    for steps in layouts:
        yield "", steps[-1]
    for steps in layouts:
        for step in steps[:-1]:
            yield "another step", step
        yield "the mean of all steps", steps.mean(0)


def _labels(first: int, last: int, trace: Trace) -> Iterator[Tensor]:
    """Yield the digits that may be the labels: those in batches from a DataLoader and in targets of
    loss functions.
    """
    for event in trace.between(max(-1, first - BEFORE), last, Event):
        values: list[Value] = []
        if isinstance(event, Batch):
            values = event.values
        elif isinstance(event, Loss) and event.target:
            values = [event.target]
        for value in values:
            digits = None if value.numbers is None else digits_of(value.numbers)
            if digits is not None:
                yield digits


def _entropies(p: Tensor, y: Tensor, over_batch: bool) -> Iterator[float]:
    """Yield the cross-entropy of logits or probabilities as a mean over the batch, as a sum, and as
    a mean over both the batch and the classes.
    """
    p = p.double()
    kind, _ = kind_of(p)
    if over_batch:
        log = p.log_softmax(0)
    elif kind == "probabilities":
        log = p.clamp_min(1e-12).log()
    else:
        log = p.log_softmax(1)
    losses = -log.gather(1, y[:, None])
    yield float(losses.mean())
    yield float(losses.sum())
    yield float(losses.mean() / CLASSES)  # also a mean over the classes


def close(a: float, b: float) -> bool:
    """True if two losses are the same, up to rounding."""
    return abs(a - b) <= 2e-4 * max(1.0, abs(b))
