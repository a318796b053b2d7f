"""The LSTM that the toolkit trains and exports: the plain one of `model.py`, quicker.

It has the same parameters and the same values. `LSTM.last_hidden` is the loop that the assignment
teaches; here its place is taken by one of two that come from the same equations:

- for prediction, in Python and in the exported file, the loop of `sigmoids.py`;
- for training, the same with hand-written derivatives, `bptt.py`.

An exported file that is trained further, so that its weights ask for gradients, goes through the
plain loop, which autograd can follow.
"""

import torch
from torch import Tensor

from toolkit.common.checks import check_digits
from toolkit.lstm import bptt, sigmoids
from toolkit.lstm.model import LSTM, all_inputs


class FastLSTM(LSTM):
    """`LSTM` with a quicker `forward`."""

    def forward(self, digits: Tensor) -> Tensor:
        """From digits, int64 (batch, length), to the logits p after the last one, (batch, 10).

        Raises:
            ValueError: `digits` has another dtype or shape, or a value outside 0 to 9.
        """
        check_digits(digits)
        projected = self.cell.project(all_inputs(self.one_hot, digits.device))
        weight = sigmoids.stack(projected, self.cell.weight_hh)
        if not weight.requires_grad:
            h = 2 * sigmoids.last_hidden(digits, weight).t()
        elif torch.jit.is_scripting():  # type: ignore[attr-defined]
            h = self.last_hidden(digits)
        else:
            h = 2 * bptt.last_hidden(digits, weight).t()
        logits: Tensor = self.readout(h)  # (7)
        return logits
