"""Compares the numbers of an LSTM in training mode with those in evaluation mode.

The equations are looked at in evaluation mode, where dropout does nothing. What a forward computes
only while it is trained would go unseen there.
"""

from contextlib import suppress

import torch
from torch import Tensor

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.lstm.network import Network, WrongOutput, last_logits

SAME = 1e-4  # the logits may differ by so much, of the largest of them and 1


def modes_agree(network: Network, verdicts: Verdicts) -> bool:
    """Compare both modes, without dropout; where they differ, the equations are not seen.

    Afterwards it is built anew: in training mode it may have changed its state.
    """
    usual = (network.usage.batch, network.usage.steps)
    for seed, (batch, steps) in enumerate([usual, *network.other_sizes()]):
        x = network.digits(batch, steps, seed)
        with suppress(StudentError, WrongOutput):  # what fails is said where it is tried
            trained = without_dropout(network, x, training=True)
            evaluated = without_dropout(network, x, training=False)
            apart = (trained - evaluated).abs()
            is_same = bool(apart.max() <= SAME * _scale(trained, evaluated))
            if is_same and bool(apart.isfinite().all()):
                continue
            worst = int(apart.nan_to_num(torch.inf).argmax())
            verdicts.not_seen(
                "training-mode",
                trained=float(trained.flatten()[worst]),
                evaluated=float(evaluated.flatten()[worst]),
            )
            return False
    network.build()
    return True


def without_dropout(network: Network, x: Tensor, training: bool) -> Tensor:
    """The logits (B, 10) of a new network in one of the modes."""
    network.build()
    answer = network.child.ask.run_without_dropout(x=network.encode(x), training=training)
    with network.child.reading():
        return last_logits(answer, *x.shape[:2]).logits


def _scale(a: Tensor, b: Tensor) -> float:
    return max(1.0, float(a.abs().max()), float(b.abs().max()))
