"""The LSTM of the assignment, equation by equation, and the vanilla RNN beside it.

For each digit x(t) of the sequence, with * element-wise and h(0) = c(0) = 0:

    g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)       (1)  input modulation
    i(t) = sigmoid(W_ix x(t) + W_ih h(t-1) + b_i)    (2)  input gate
    f(t) = sigmoid(W_fx x(t) + W_fh h(t-1) + b_f)    (3)  forget gate
    o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)    (4)  output gate
    c(t) = g(t) * i(t) + c(t-1) * f(t)               (5)  cell
    h(t) = tanh(c(t)) * o(t)                         (6)  hidden state
    p(t) = W_ph h(t) + b_p                           (7)  logits
    y~(t) = softmax(p(t))                            (8)  probabilities

The models return the logits (7) of the last step. The softmax (8) belongs where probabilities are
shown; `cross_entropy` applies it itself, so a second one before the loss would hold it above 1.46.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.common.checks import check_digits
from toolkit.lstm.bptt import last_hidden, tanh
from toolkit.lstm.data import encode


class LSTMCell(nn.Module):
    """One step through time: equations (1) to (6).

    The four matrices that read x are stacked into `weight_ih`, those that read h into `weight_hh`,
    in PyTorch's order i, f, g, o, so that weights move to and from `nn.LSTM` as they are. Weights
    start with variance 1 / fan-in (LeCun et al., "Efficient BackProp", 1998).

    Args:
        input_size: numbers in x(t).
        hidden_size: numbers in h(t) and in c(t).
        forget_bias: where b_f starts. At 1 the cell remembers until it learns to forget
            (Gers, Schmidhuber and Cummins, 2000).
    """

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        nn.init.normal_(self.weight_ih, std=input_size**-0.5)
        nn.init.normal_(self.weight_hh, std=hidden_size**-0.5)
        nn.init.constant_(self.bias[hidden_size : 2 * hidden_size], forget_bias)

    def forward(
        self, x: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """From x (batch, input_size) and h, c (batch, hidden_size) at t-1 to i, f, o, g, c, h at t.

        Each of the six has the shape (batch, hidden_size).
        """
        return self.step(self.project(x), h, c)

    def project(self, x: Tensor) -> Tensor:
        """What x adds to the gates: W_x x + b, stacked, (batch, 4 * hidden_size)."""
        return F.linear(x, self.weight_ih, self.bias)

    def step(
        self, projected: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """As `forward`, from an x that is projected already."""
        gates = torch.addmm(projected, h, self.weight_hh.t())
        i, f, g, o = gates.chunk(4, dim=1)
        g = tanh(g)  # (1)
        i = torch.sigmoid(i)  # (2)
        f = torch.sigmoid(f)  # (3)
        o = torch.sigmoid(o)  # (4)
        c = g * i + c * f  # (5)
        h = tanh(c) * o  # (6)
        return i, f, o, g, c, h


def all_inputs(one_hot: bool, device: torch.device) -> Tensor:
    """The ten inputs that there are, (10, input_size): row d is how the network reads digit d.

    W_x x + b is computed once for these ten and looked up at every step of every sequence.
    """
    return encode(torch.arange(10, device=device).unsqueeze(1), one_hot).squeeze(1)


class LSTM(nn.Module):
    """Reads digits and predicts the next one: equations (1) to (7).

    Args:
        hidden_size: numbers in h and c.
        one_hot: read each digit as ten numbers of which one is 1, rather than as the bare digit.
        forget_bias: see `LSTMCell`.
    """

    def __init__(
        self, hidden_size: int = 128, one_hot: bool = True, forget_bias: float = 1.0
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.one_hot = one_hot
        self.cell = LSTMCell(10 if one_hot else 1, hidden_size, forget_bias)
        self.readout = nn.Linear(hidden_size, 10)

    def forward(self, digits: Tensor) -> Tensor:
        """From digits, int64 (batch, length), to the logits p after the last one, (batch, 10).

        Raises:
            ValueError: `digits` has another dtype or shape, or a value outside 0 to 9.
        """
        check_digits(digits)
        projected = self.cell.project(all_inputs(self.one_hot, digits.device))
        h = torch.zeros(digits.size(0), self.hidden_size, device=digits.device)
        if not torch.jit.is_scripting() and torch.is_grad_enabled():  # type: ignore[attr-defined]
            # the same equations with their derivatives written out, to train faster
            h = last_hidden(digits, projected, self.cell.weight_hh)
        else:
            c = torch.zeros_like(h)
            for t in range(digits.size(1)):
                _, _, _, _, c, h = self.cell.step(F.embedding(digits[:, t], projected), h, c)
        logits: Tensor = self.readout(h)  # (7)
        return logits

    @torch.jit.export
    def trace(self, digits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Every gate and state at every step, to look inside.

        Returns:
            i, f, o, g, c, h, each float32 of shape (batch, length, hidden_size).

        Raises:
            ValueError: as `forward`.
        """
        check_digits(digits)
        projected = self.cell.project(all_inputs(self.one_hot, digits.device))
        h = torch.zeros(digits.size(0), self.hidden_size, device=digits.device)
        c = torch.zeros_like(h)
        steps: list[Tensor] = []
        for t in range(digits.size(1)):
            i, f, o, g, c, h = self.cell.step(F.embedding(digits[:, t], projected), h, c)
            steps.append(torch.stack([i, f, o, g, c, h]))
        i, f, o, g, c, h = torch.stack(steps, dim=2).unbind(0)
        return i, f, o, g, c, h


class RNNCell(nn.Module):
    """One step of the vanilla RNN: h(t) = tanh(W_hx x(t) + W_hh h(t-1) + b_h)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        nn.init.normal_(self.weight_ih, std=input_size**-0.5)
        nn.init.normal_(self.weight_hh, std=hidden_size**-0.5)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """From x (batch, input_size) and h(t-1) (batch, hidden_size) to h(t)."""
        return self.step(self.project(x), h)

    def project(self, x: Tensor) -> Tensor:
        """What x adds: W_hx x + b_h, (batch, hidden_size)."""
        return F.linear(x, self.weight_ih, self.bias)

    def step(self, projected: Tensor, h: Tensor) -> Tensor:
        """As `forward`, from an x that is projected already."""
        return tanh(torch.addmm(projected, h, self.weight_hh.t()))


class RNN(nn.Module):
    """The baseline: as `LSTM`, but with nothing except h to remember by."""

    def __init__(self, hidden_size: int = 128, one_hot: bool = True) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.one_hot = one_hot
        self.cell = RNNCell(10 if one_hot else 1, hidden_size)
        self.readout = nn.Linear(hidden_size, 10)

    def forward(self, digits: Tensor) -> Tensor:
        """From digits, int64 (batch, length), to the logits after the last one, (batch, 10).

        Raises:
            ValueError: `digits` has another dtype or shape, or a value outside 0 to 9.
        """
        check_digits(digits)
        projected = self.cell.project(all_inputs(self.one_hot, digits.device))
        h = torch.zeros(digits.size(0), self.hidden_size, device=digits.device)
        for t in range(digits.size(1)):
            h = self.cell.step(F.embedding(digits[:, t], projected), h)
        logits: Tensor = self.readout(h)
        return logits


@torch.no_grad()
def start_chrono(cell: LSTMCell, longest: int) -> None:
    """b_f = log of random times from 1 to `longest` - 1 steps, and b_i = -b_f.

    Tallec and Ollivier, "Can recurrent neural networks warp time?" (2018), section 3. The global
    generator of torch decides.
    """
    i, f, _, _ = cell.bias.chunk(4)
    f.copy_(torch.empty_like(f).uniform_(1, max(1, longest - 1)).log())
    i.copy_(-f)


def copy_from_torch(cell: LSTMCell, lstm: nn.LSTM) -> None:
    """Copy the weights of a one-layer `nn.LSTM` into `cell`; its two biases become their sum."""
    theirs = lstm.state_dict()
    cell.load_state_dict(
        {
            "weight_ih": theirs["weight_ih_l0"],
            "weight_hh": theirs["weight_hh_l0"],
            "bias": theirs["bias_ih_l0"] + theirs["bias_hh_l0"],
        }
    )


def copy_to_torch(cell: LSTMCell, lstm: nn.LSTM) -> None:
    """Copy the weights of `cell` into a one-layer `nn.LSTM`, whose second bias becomes zero."""
    lstm.load_state_dict(
        {
            "weight_ih_l0": cell.weight_ih,
            "weight_hh_l0": cell.weight_hh,
            "bias_ih_l0": cell.bias,
            "bias_hh_l0": torch.zeros_like(cell.bias),
        }
    )
