"""Checks of a student's `train.py`."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import RMSprop

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.student.scripts import record_training
from toolkit.assignment.check.student.training import Load, Loss, Output, TrainingRecorder

MAX_STEPS = 8
MAX_SECONDS = 15.0
NUM_ITEMS = 2000  # of each data set, compared with those of the others
RATES = (1e-6, 0.2)  # learning rates of RMSProp that may work
FLOOR = math.log(math.e + 9) - 1  # 1.46115: the cross-entropy if the softmax is applied twice


def check(file: Path, channel: Channel) -> None:
    """Run the file for a few steps, and look at its loss, gradients, optimiser and data."""
    channel.doing("the first steps of train.py")
    recorder = record_training(file, MAX_STEPS, MAX_SECONDS, channel)
    if recorder.recurrent:
        call = recorder.recurrent[0]
        message = f"torch's own {call.name} is called. Write equations (1) to (6) yourself."
        channel.fault("forbidden-module", message, at=call)
    _check_losses(recorder, channel)
    _check_updates(recorder, channel)
    channel.doing("palindromes that training and test data share")
    _check_leak(recorder, channel)


def _check_losses(recorder: TrainingRecorder, channel: Channel) -> None:
    """Cross-entropy (9), of logits, over the last step only."""
    if not recorder.losses:
        if recorder.updates:
            channel.not_seen(
                "None of torch's loss functions was called, so the loss (9) was not seen."
            )
        return
    channel.fact("saw-loss")
    loss = recorder.losses[0]
    if loss.name not in ("cross_entropy", "nll_loss"):
        channel.fault(
            "wrong-loss",
            f"The loss is {loss.name}, but (9) is the cross-entropy.",
            equation=9,
            at=loss,
        )
        return
    rows = loss.input.movedim(1, -1).reshape(-1, loss.input.size(1))
    probabilities = bool((rows >= 0).all()) and bool(((rows.sum(1) - 1).abs() < 1e-3).all())
    if probabilities and loss.name == "cross_entropy":
        message = (
            "The loss is given probabilities, and cross_entropy applies the softmax (8) again, so "
            f"it cannot fall below {FLOOR:.5f}. What does it expect as its input?"
        )
        channel.fault("softmax-before-loss", message, equation=8, at=loss)
    elif probabilities:
        message = "nll_loss is given probabilities, but it expects their logarithms (9)."
        channel.fault("wrong-loss", message, equation=9, at=loss)
    elif not _over_other_steps(loss, recorder, channel):
        channel.right("The loss (9) is the cross-entropy of the logits of the last step.")


def _over_other_steps(loss: Loss, recorder: TrainingRecorder, channel: Channel) -> bool:
    """Report a loss over more than the last step, or over another one."""
    calls = sum(other.backward == loss.backward for other in recorder.losses)
    first = next((o for o in recorder.outputs if o.grad), None)
    what = None
    if calls > 2 and recorder.updates:
        what = f"The loss is the sum of {calls} calls before one backward pass."
    elif first is not None:
        what = _other_step(loss, first)
    if what is None:
        return False
    channel.fault(
        "loss-not-last-step",
        f"{what} Only the last time step, p(T), counts.",
        equation=9,
        at=loss,
    )
    return True


def _other_step(loss: Loss, first: Output) -> str | None:
    """Which steps of the model's output the loss is taken over, if not the last one."""
    output = first.output
    if isinstance(output, list | tuple):
        tensors = [x for x in output if isinstance(x, Tensor)]
        output = max(tensors, key=Tensor.dim, default=None)
    if not isinstance(output, Tensor) or output.dim() != 3:
        return None
    if loss.input.numel() == output.numel():
        return "The loss is taken over all time steps."
    given = loss.input
    for steps in (output, output.transpose(0, 1)):  # (time, batch, 10), whichever it was
        if steps.shape[1:] == given.shape:
            if torch.allclose(steps[-1], given, atol=1e-6):
                return None
            if any(torch.allclose(step, given, atol=1e-6) for step in steps[:-1]):
                return "The loss is taken over another step."
            if torch.allclose(steps.mean(0), given, atol=1e-6):
                return "The loss is taken over the mean of all steps."
    return None


def _check_updates(recorder: TrainingRecorder, channel: Channel) -> None:
    """RMSProp, on this model's parameters, with the gradients of one batch."""
    if not recorder.updates:
        if recorder.num_backward or recorder.losses:
            message = "No optimiser step follows the loss, so the weights never change."
            line = recorder.losses[0].line if recorder.losses else None
            channel.fault("does-not-learn", message, line=line)
        return
    update = recorder.updates[0]
    kind = type(update.optimizer)
    if isinstance(update.optimizer, RMSprop):
        channel.right("The optimiser is RMSProp.")
    else:
        message = f"The optimiser is {kind.__name__}, but the assignment asks for RMSProp."
        channel.fault("wrong-optimiser", message, at=update)
    if not update.passes:
        channel.fault(
            "does-not-learn",
            "The optimiser steps without a gradient. Is backward called on the loss, and does the "
            "optimiser hold the parameters of the model that you train?",
            at=update,
        )
    rate = float(update.optimizer.param_groups[0]["lr"])
    if not RATES[0] <= rate <= RATES[1]:
        message = f"It does not learn with a learning rate of {rate:g}. Start at 0.001."
        channel.fault("does-not-learn", message, at=update)
    stale = next((u for u in recorder.updates if u.stale), None)
    if stale is not None:
        channel.fault(
            "gradients-not-cleared",
            "When the optimiser steps, the gradients still contain those of earlier batches. What "
            "has to happen between one step and the next backward?",
            at=stale,
        )
    elif len(recorder.updates) > 1:
        channel.right("Gradients are cleared before each step.")


def _check_leak(recorder: TrainingRecorder, channel: Channel) -> None:
    """No palindrome is in two of the data sets that were loaded."""
    different: list[Load] = []
    for load in recorder.loads:
        if all(load.dataset is not known.dataset for known in different):
            different.append(load)
    if len(recorder.loads) > len(different) > 0:
        channel.not_seen(
            "Two loaders share one data set. Is the accuracy measured on the training data?"
        )
    rows = [_rows(load.dataset) for load in different[:3]]
    for k, later in enumerate(rows):
        for earlier in rows[:k]:
            if shared := earlier & later:
                share = len(shared) / max(1, len(later))
                channel.fault(
                    "split-leak",
                    f"{share:.0%} of the distinct palindromes that you test on are in the training "
                    "data as well. There are only 1,000 palindromes of 5 digits, so random ones "
                    "coincide. What decides which data set a palindrome belongs to?",
                    at=different[k],
                )
                return
    if len(rows) > 1:
        channel.right("Training data and test data share no palindrome.")
    elif rows:
        channel.not_seen(
            "Only one data set was seen, so nothing is known about unseen palindromes."
        )


def _rows(dataset: Any) -> set[bytes]:
    """The distinct inputs among the first items, as bytes."""
    found = set()
    try:
        for k in range(min(NUM_ITEMS, len(dataset))):
            found.add(torch.as_tensor(dataset[k][0]).float().numpy().tobytes())
    except Exception:  # an endless or unusual data set: what was read counts
        return found
    return found
