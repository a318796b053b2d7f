"""The equations are found in recorded numbers, whoever wrote the cell."""

from pathlib import Path

import torch
from torch import Tensor, nn

from toolkit.assignment.check.lstm import cells
from toolkit.assignment.check.student.recorder import Recorder


def test_torch_lstm_is_followed_gate_by_gate(tmp_path: Path) -> None:
    """A cell that calls the activations by hand on nn.LSTMCell's own weights is matched."""
    torch.manual_seed(0)
    theirs = nn.LSTMCell(3, 4)
    readout = nn.Linear(4, 10)
    x = torch.randn(20, 5, 3)

    def run(x: Tensor) -> Tensor:
        h = c = torch.zeros(20, 4)
        for t in range(5):
            a = x[:, t] @ theirs.weight_ih.t() + h @ theirs.weight_hh.t()
            i, f, g, o = (a + theirs.bias_ih + theirs.bias_hh).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h

    recorder = Recorder(tmp_path, keep=True)
    with recorder, torch.no_grad():
        logits = readout(run(x))
    match = cells.match_gates(cells.chunks(recorder.steps, 5, 20, 4), logits, x)
    assert match is not None
    h = c = torch.zeros(20, 4)
    with torch.no_grad():
        for t in range(5):
            h, c = theirs(x[:, t], (h, c))
    torch.testing.assert_close(match.h[-1], h)
    torch.testing.assert_close(match.c[-1], c)
    now, before = x.transpose(0, 1)[1:].flatten(0, 1), match.h[:-1].flatten(0, 1)
    fit = cells.affine(match.gates["f"].before[1:].flatten(0, 1), now, before)
    assert fit.residual < 1e-4
    torch.testing.assert_close(fit.weight_h.t().float(), theirs.weight_hh[4:8].detach())
