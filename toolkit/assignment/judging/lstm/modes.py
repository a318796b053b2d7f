"""Compares the outputs of an LSTM in training mode with its outputs in evaluation mode.

The equations are checked in evaluation mode, in which dropout has no effect. If the two modes were
not compared, the check would miss computations that forward does only in training mode.
"""

from contextlib import suppress

import torch
from torch import Tensor

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.lstm.network import Network, WrongOutput, last_logits

SAME = 1e-4  # allowed difference, relative to the largest logit or 1


def modes_agree(network: Network, verdicts: Verdicts) -> bool:
    """Compare the outputs in training mode, without dropout, with the outputs in evaluation mode.

    If the outputs in the two modes differ, report that the check of the equations is inconclusive.

    If the outputs agree, the network is then built anew, because the forward passes that were
    compared may have changed values stored in it.
    """
    usual = (network.usage.batch, network.usage.steps)
    for seed, (batch, steps) in enumerate([usual, *network.other_sizes()]):
        x = network.digits(batch, steps, seed)
        with suppress(StudentError, WrongOutput):  # another check reports this failure
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
    """Build a new network, run it in training or evaluation mode with dropout switched off, and
    return its logits, (B, 10).
    """
    network.build()
    answer = network.child.ask.run_without_dropout(x=network.encode(x), training=training)
    with network.child.reading():
        return last_logits(answer, *x.shape[:2]).logits


def _scale(a: Tensor, b: Tensor) -> float:
    return max(1.0, float(a.abs().max()), float(b.abs().max()))
