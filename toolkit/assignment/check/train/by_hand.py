"""Judges a loss that is no function of torch's: is it the cross-entropy (9) by its value?"""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from toolkit.assignment.check.lstm.cell.reference import kind_of
from toolkit.assignment.check.train.trace import Event, Trace
from toolkit.assignment.check.verdicts import Verdicts

CLASSES = 10


def check_by_hand(before: int, last: Event, trace: Trace, verdicts: Verdicts) -> None:
    """A loss that is no function of torch's: is it the cross-entropy by its value?"""
    if matches(before, last.index, abs(last["value"]["mean"]), trace):
        verdicts.facts.add("saw-loss")
        if last["value"]["mean"] < -0.01:
            verdicts.fault(
                "does-not-learn.negative-value",
                at=last,
                proof={"start": last["value"]["mean"], "loss": abs(last["value"]["mean"])},
            )
        else:
            verdicts.right("value")
        return
    if call := _other_steps(before, last, trace):
        verdicts.fault(
            "loss-not-last-step.value",
            at=call[0],
            proof={"value": abs(last["value"]["mean"]), "of_steps": call[1]},
        )
        return
    verdicts.not_seen("by-hand-loss", at=last)


def _other_steps(before: int, last: Event, trace: Trace) -> tuple[Event, float] | None:
    """The call of the model of whose other steps a loss is the cross-entropy, and its value."""
    value = abs(last["value"]["mean"])
    labels = list(_labels(before, last.index, trace))[-4:]
    for call in trace.between(before, last.index, "call"):
        for x in map(trace.numbers, call["outputs"]):
            if x is None or x.dim() != 3 or x.size(2) != CLASSES:
                continue
            for steps in (x.double(), x.double().transpose(0, 1)):
                for p in (steps.mean(0), *steps[:-1]):
                    entropies = [z for y in labels if len(y) == len(p) for z in _entropies(p, y)]
                    if found := next((z for z in entropies if close(value, z)), None):
                        return call, found
    return None


def matches(first: int, last: int, value: float, trace: Trace) -> bool:
    """Whether a value is the cross-entropy of some output of the model for some labels."""
    outputs = [
        step
        for call in trace.between(first, last, "call")
        for x in map(trace.numbers, call["outputs"])
        if x is not None
        for step in _last_steps(x)
    ]
    labels = list(_labels(first, last, trace))
    return any(
        len(y) == len(p) and any(close(value, z) for z in _entropies(p, y))
        for p in outputs[-4:]
        for y in labels[-4:]
    )


def _last_steps(output: Tensor) -> Iterator[Tensor]:
    """What may be p(T) of an output."""
    if output.dim() == 2 and output.size(1) == CLASSES:
        yield output.double()
    elif output.dim() == 3 and output.size(2) == CLASSES:
        yield output[-1].double()
        yield output[:, -1].double()


def _labels(first: int, last: int, trace: Trace) -> Iterator[Tensor]:
    """What may be labels: integers of a batch, or one-hot rows."""
    values: list[Any] = []
    for event in trace.between(max(-1, first - 8), last, "batch", "loss"):
        values += event["values"] if event.kind == "batch" else [event["target"]]
    for x in map(trace.numbers, values):
        if x is None or not x.dim():
            continue
        if x.dim() == 2 and x.size(1) == CLASSES:
            yield x.argmax(1)
        elif x.numel() == len(x) and bool((x >= 0).all()) and bool((x < CLASSES).all()):
            yield x.reshape(-1).long()


def _entropies(p: Tensor, y: Tensor) -> Iterator[float]:
    """Cross-entropies, by mean and by sum, for logits and for probabilities."""
    kind, _ = kind_of(p)
    log = p.clamp_min(1e-12).log() if kind == "probabilities" else p.log_softmax(1)
    losses = -log.gather(1, y[:, None])
    yield float(losses.mean())
    yield float(losses.sum())
    yield float(losses.mean() / CLASSES)  # a mean over the classes too


def close(a: float, b: float) -> bool:
    return abs(a - b) <= 2e-4 * max(1.0, abs(b))
