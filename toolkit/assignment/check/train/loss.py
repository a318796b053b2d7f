"""Judges the loss (9): the cross-entropy of the logits p(T) of the last step."""

import math

from torch import Tensor
from torch.nn import functional

from toolkit.assignment.check.lstm.cell.reference import kind_of, sums
from toolkit.assignment.check.train.entropy import close, outputs_of, steps_of, which_step
from toolkit.assignment.check.train.labels import check_labels
from toolkit.assignment.check.train.trace import (
    OF_CLASSES,
    Backward,
    Call,
    Loss,
    Note,
    Trace,
)
from toolkit.assignment.check.verdicts import Verdicts

MANY = 16  # losses of one backward pass; more are not told apart
FLOOR = math.log(math.e + 9) - 1  # 1.46115: the cross-entropy if the softmax is applied twice


def check_loss(trace: Trace, verdicts: Verdicts) -> None:
    """Look at the last backward pass that reached something, and at what it started from."""
    passes = [event for event in trace.all(Backward) if event.changed]
    losses = [event for event in trace.all(Loss) if event.input and event.input.networks]
    if not passes:
        if losses:
            _judge(losses[-1], -1, trace, verdicts)
        return
    last = next((event for event in reversed(passes) if event.whole), passes[-1])
    before = max((e.index for e in trace.all(Backward) if e.index < last.index), default=-1)
    own = [e for e in losses if e.index in last.losses]
    root = last.value.mean if last.value else 0.0
    if not own:
        _check_by_hand(before, last, root, trace, verdicts)
        return
    loss, how = _which(own, root)
    value = _value(loss)
    if how is not None:
        verdicts.fault(
            "loss-not-last-step.several",
            at=loss,
            proof={"losses": [e.index for e in own], "passes": 1},
            how=how,
            n=len(own) if len(own) < MANY else "many",
        )
    elif value is not None and value > 0.01 and close(-root, value):
        seen = {"start": root, "loss": value}
        verdicts.fault("does-not-learn.negative", at=last, proof=seen)
    else:
        _judge(loss, before, trace, verdicts)


def fits_together(trace: Trace) -> bool:
    """Whether it can be that of a training: passes with one loss start from its value, from a share
    of it, or from more by a penalty.
    """
    losses = {loss.index: _value(loss) for loss in trace.all(Loss) if loss.input}
    passes = [e for e in trace.all(Backward) if e.changed and len(e.losses) == 1 and e.value]
    pairs = [(e.value.mean, losses.get(*e.losses)) for e in passes if e.value]
    shares = [root / value for root, value in pairs if value is not None and value > 0.01] or [1]
    return max(shares) - min(shares) < 0.01 * abs(max(shares)) or min(shares) > 0.999


def _check_by_hand(
    before: int, last: Backward, root: float, trace: Trace, verdicts: Verdicts
) -> None:
    """A loss that is no function of torch's: is it the cross-entropy by its value?"""
    value = abs(root)
    found = which_step(before, last.index, value, trace)
    if found is None:
        verdicts.not_seen("by-hand-loss", at=last)
        return
    if found.which:
        proof = {"value": value, "of_steps": found.entropy}
        verdicts.fault("loss-not-last-step.value", at=found.call, proof=proof)
        return
    verdicts.facts.add("saw-loss")
    if root < -0.01:
        proof = {"start": root, "loss": value}
        verdicts.fault("does-not-learn.negative", at=last, proof=proof)
    else:
        verdicts.right("value", proof={"value": value, "entropy": found.entropy})


def _which(own: list[Loss], root: float) -> tuple[Loss, str | None]:
    """The loss that a pass started from, and how several of them were put together, if any were."""
    values = [_value(loss) for loss in own]
    known = [v for v in values if v is not None]
    for loss, value in zip(reversed(own), reversed(values), strict=True):
        if value is not None and close(abs(root), value):
            return loss, None
    total = sum(known)
    if 1 < len(own) == len(known) and (close(root, total) or close(root, total / len(own))):
        return own[-1], "the sum of"
    return own[-1], "made from" if len(own) > 2 else None


def _value(loss: Loss) -> float | None:
    """What a call of cross_entropy or nll_loss gave, computed again."""
    function = getattr(functional, loss.name, None)
    given, target = (value.numbers if value else None for value in (loss.input, loss.target))
    if given is None or target is None or function is None:
        return None
    try:
        return float(function(given.float(), target, reduction=loss.reduction))
    except (RuntimeError, ValueError, TypeError, IndexError):
        return None


def _judge(loss: Loss, before: int, trace: Trace, verdicts: Verdicts) -> None:
    """One call of a loss function of torch's, after the backward pass with the index `before`."""
    given = loss.input.numbers if loss.input else None
    value = _value(loss)
    if loss.name in OF_CLASSES:
        if given is None or given.dim() < 2:
            verdicts.not_seen("large-loss", at=loss)
        else:
            _judge_numbers(loss, given.float(), before, trace, verdicts)
        return
    found = None if value is None else which_step(-1, loss.index, value, trace)
    if found and not found.which:
        verdicts.right("same-value", proof={"value": value, "entropy": found.entropy})
    else:
        seen = {"these": [loss.name], "those": OF_CLASSES}
        verdicts.fault("wrong-loss.other", at=loss.made or loss, proof=seen)


def _judge_numbers(
    loss: Loss, given: Tensor, before: int, trace: Trace, verdicts: Verdicts
) -> None:
    """What cross_entropy or nll_loss was given: logits of the last step, or what else?"""
    rows = given.movedim(1, -1).reshape(-1, given.size(1))
    kind, axis = kind_of(rows)
    where = _softmax(loss, trace) or loss
    if axis == 0:
        id = "softmax-before-loss" if loss.name == "cross_entropy" else "wrong-loss"
        verdicts.fault(f"{id}.batch", at=where, proof=sums(rows))
    elif loss.name == "cross_entropy" and kind == "probabilities":
        verdicts.fault(
            "softmax-before-loss.probabilities",
            at=where,
            proof={"least": float(rows.min()), "row_sums": rows.sum(1).tolist()},
            floor=FLOOR,
        )
    elif loss.name == "nll_loss" and kind != "logarithms":
        what = kind if kind == "probabilities" else "numbers whose exponentials do not add up to 1"
        verdicts.fault(
            "wrong-loss.no-logarithms",
            at=loss.made or loss,
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
        if kind == "logarithms":
            sums_of_rows = rows.double().exp().sum(1).tolist()
            proof = {"largest": float(rows.max()), "sums": sums_of_rows}
            verdicts.right("logarithms", proof=proof)
        else:
            proof = {"least": float(rows.min()), "row_sums": rows.sum(1).tolist()}
            verdicts.right("loss", proof=proof | {"softmax": loss.softmax})


def _softmax(loss: Loss, trace: Trace) -> Note | None:
    """The call of a softmax before a loss: the one that gave its input, or else the last one."""
    calls = [e for e in trace.notes("softmax") if e.index < loss.index]
    exact = [e for e in calls if loss.input and e.output == loss.input.id]
    return next(reversed(exact or calls), None)


def _other_step(loss: Loss, given: Tensor, trace: Trace) -> tuple[str, list[float] | None] | None:
    """Which steps of the model's output the loss is taken over, if not the last; and that one."""
    calls = [e for e in trace.between(-1, loss.index, Call) if e.grad]
    for output in outputs_of(calls[-1]) if calls else ():
        if output.dim() == 3 and given.numel() == output.numel() and 1 not in output.shape[:2]:
            return "all time steps", None
        steps = [(which, p) for which, p in steps_of(output) if p.shape == given.shape]
        for which, step in steps:
            if (step.float() - given).abs().max() < 1e-5:
                return (which, steps[0][1][0].tolist()) if which else None
    return None
