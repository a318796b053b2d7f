"""Judges the loss (9): the cross-entropy of the logits p(T) of the last step."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from toolkit.assignment.check.lstm.cell.reference import kind_of, sums
from toolkit.assignment.check.train.by_hand import (
    CLASSES,
    check_by_hand,
    close,
    matches,
)
from toolkit.assignment.check.train.labels import check_labels
from toolkit.assignment.check.train.trace import Event, Trace
from toolkit.assignment.check.verdicts import Place, Verdicts

MANY = 16  # losses of one backward pass; more are not told apart
FLOOR = math.log(math.e + 9) - 1  # 1.46115: the cross-entropy if the softmax is applied twice


def check_loss(trace: Trace, verdicts: Verdicts) -> None:
    """Look at the last backward pass that reached something, and at what it started from."""
    passes = [event for event in trace.all("backward") if event["changed"]]
    losses = [event for event in trace.all("loss") if event["input"] and event["input"]["networks"]]
    if not passes:
        if losses:
            _judge(losses[-1], -1, trace, verdicts)
        return
    last = next((event for event in reversed(passes) if event["whole"]), passes[-1])
    before = max((e.index for e in trace.all("backward") if e.index < last.index), default=-1)
    own = [e for e in losses if e.index in last["losses"]]
    if not own:
        check_by_hand(before, last, trace, verdicts)
        return
    loss, how = _which(own, last, trace)
    if how is not None:
        verdicts.fault(
            "loss-not-last-step.several",
            at=loss,
            proof={"losses": [e.index for e in own], "passes": 1},
            how=how,
            n=len(own) if len(own) < MANY else "many",
        )
        return
    if _is_negative(loss, last, trace):
        verdicts.fault(
            "does-not-learn.negative",
            at=last,
            proof={"start": last["value"]["mean"], "loss": _value(loss, trace)},
        )
        return
    _judge(loss, before, trace, verdicts)


def starts_from_losses(trace: Trace) -> bool:
    """Whether passes with one loss start from its value: a share of it, or more by a penalty."""
    losses = {loss.index: loss for loss in trace.all("loss") if loss["input"]}
    passes = [e for e in trace.all("backward") if e["changed"] and len(e["losses"]) == 1]
    pairs = [(e["value"]["mean"], losses.get(*e["losses"])) for e in passes]
    values = [(root, _value(loss, trace)) for root, loss in pairs if loss is not None]
    shares = [root / value for root, value in values if value is not None and value > 0.01]
    return not shares or max(shares) - min(shares) < 0.01 * abs(max(shares)) or min(shares) > 0.999


def _which(own: list[Event], last: Event, trace: Trace) -> tuple[Event, str | None]:
    """The loss that a pass started from, and how several of them were put together, if any were."""
    root = last["value"]["mean"]
    values = [_value(loss, trace) for loss in own]
    known = [v for v in values if v is not None]
    for loss, value in zip(reversed(own), reversed(values), strict=True):
        if value is not None and close(abs(root), value):
            return loss, None
    if len(own) > 1 and len(known) == len(own):
        total = sum(known)
        if close(root, total) or close(root, total / len(own)):
            return own[-1], "the sum of"
    if len(own) > 2:
        return own[-1], "made from"
    return own[-1], None


def _is_negative(loss: Event, last: Event, trace: Trace) -> bool:
    value = _value(loss, trace)
    return value is not None and value > 0.01 and close(-last["value"]["mean"], value)


def _value(loss: Event, trace: Trace) -> float | None:
    """What a call of cross_entropy or nll_loss gave, computed again."""
    given, target = trace.numbers(loss["input"]), trace.numbers(loss["target"])
    function = getattr(functional, loss["name"], None)
    if given is None or target is None or function is None:
        return None
    try:
        return float(function(given.float(), target, reduction=loss["reduction"]))
    except (RuntimeError, ValueError, TypeError, IndexError):
        return None


def _judge(loss: Event, before: int, trace: Trace, verdicts: Verdicts) -> None:
    """One call of a loss function of torch's, after the backward pass with the index `before`."""
    given = trace.numbers(loss["input"])
    name, made = loss["name"], Place(*loss["made"]) if loss["made"] else loss
    if name not in ("cross_entropy", "nll_loss"):
        if _same_as_cross_entropy(loss, trace):
            verdicts.right("same-value")
            return
        seen = {"these": [name], "those": ["cross_entropy", "nll_loss"]}
        verdicts.fault("wrong-loss.other", at=made, proof=seen, name=name)
        return
    if given is None or given.dim() < 2:
        _judge_shapes(loss, verdicts)
    else:
        _judge_numbers(loss, given.float(), before, trace, verdicts)


def _judge_shapes(loss: Event, verdicts: Verdicts) -> None:
    """A loss whose numbers were too many to be sent."""
    shape, labels = loss["input"]["shape"], (loss["target"] or {"shape": []})["shape"]
    if len(shape) == 3 and shape[2] > 1 and labels in (shape, [shape[0], shape[2]]):
        verdicts.fault(
            "loss-not-last-step.shapes",
            at=loss,
            proof={"one": shape, "other": [shape[0], CLASSES]},
            steps=shape[2],
        )
        return
    verdicts.not_seen("large-loss", at=loss)


def _judge_numbers(
    loss: Event, given: Tensor, before: int, trace: Trace, verdicts: Verdicts
) -> None:
    """What cross_entropy or nll_loss was given: logits of the last step, or what else?"""
    name, made = loss["name"], Place(*loss["made"]) if loss["made"] else loss
    rows = given.movedim(1, -1).reshape(-1, given.size(1))
    kind, axis = kind_of(rows)
    where = _softmax(loss, trace) or loss
    if axis == 0:
        verdicts.fault(
            "softmax-before-loss.batch" if name == "cross_entropy" else "wrong-loss.batch",
            at=where,
            proof=sums(rows),
        )
    elif name == "cross_entropy" and kind == "probabilities":
        verdicts.fault(
            "softmax-before-loss.probabilities",
            at=where,
            proof={"least": float(rows.min()), "row_sums": rows.sum(1).tolist()},
            floor=FLOOR,
        )
    elif name == "nll_loss" and kind != "logarithms":
        what = kind if kind == "probabilities" else "numbers whose exponentials do not add up to 1"
        verdicts.fault(
            "wrong-loss.no-logarithms",
            at=made,
            proof={"largest": float(rows.max()), "sums": rows.exp().sum(1).tolist()},
            what=what,
        )
    elif other := _other_step(loss, given, trace):
        what, step = other
        shown = given[:1].flatten().tolist()
        verdicts.fault(
            "loss-not-last-step.numbers",
            at=loss,
            proof={"one": list(given.shape) if step is None else shown, "other": step},
            what=what,
        )
    elif check_labels(before, loss, trace, verdicts):
        verdicts.right("loss")


def _softmax(loss: Event, trace: Trace) -> Event | None:
    """The call of a softmax before a loss: the one that gave its input, or else the last one."""
    calls = trace.between(-1, loss.index, "softmax")
    exact = [e for e in calls if e["output"] == loss["input"]["id"]]
    return next(reversed(exact or calls), None)


def _other_step(loss: Event, given: Tensor, trace: Trace) -> tuple[str, list[float] | None] | None:
    """Which steps of the model's output the loss is taken over, if not the last; and that one."""
    calls = [e for e in trace.between(-1, loss.index, "call") if e["grad"]]
    if not calls:
        return None
    outputs = [trace.numbers(v) for v in calls[-1]["outputs"]]
    tensors = [x for x in outputs if x is not None and x.dim() and x.size(-1) == given.size(1)]
    output = max(tensors, key=Tensor.dim, default=None)
    if output is not None and output.dim() == 2:  # a list of all steps, each (batch, 10)
        same = [x for x in tensors if x.shape == given.shape]
        output = torch.stack(same) if len(same) > 2 else None
    if output is None or output.dim() != 3:
        return None
    if given.numel() == output.numel() and 1 not in output.shape[:2]:
        return "all time steps", None
    for steps in (output, output.transpose(0, 1)):  # (time, batch, 10), whichever it was
        if steps.shape[1:] == given.shape:
            if torch.allclose(steps[-1], given, atol=1e-6):
                return None
            if any(torch.allclose(step, given, atol=1e-6) for step in steps[:-1]):
                return "another step", steps[-1, 0].tolist()
            if torch.allclose(steps.mean(0), given, atol=1e-6):
                return "the mean of all steps", steps[-1, 0].tolist()
    return None


def _same_as_cross_entropy(loss: Event, trace: Trace) -> bool:
    value = _value(loss, trace)
    return value is not None and matches(-1, loss.index, value, trace)
